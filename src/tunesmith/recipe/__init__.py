"""What a run is: typed, documented, read from YAML with errors that name the line and the cure."""

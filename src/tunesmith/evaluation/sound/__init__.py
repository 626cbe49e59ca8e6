"""What is heard over all outputs together: copies, variety, whether the prompt is followed, distance to the clips."""

"""What a run is: its folder, context, console, device and environment."""

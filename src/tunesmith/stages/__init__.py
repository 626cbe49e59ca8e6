"""What is done to a run, one stage or action a file."""

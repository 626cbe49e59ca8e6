"""The cases of ``bad_inputs.py``: what is broken, how a command runs on it, and what counts as a failure."""

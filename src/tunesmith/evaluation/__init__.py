"""Measures generated audio and judges it against the base model and the person's own clips."""

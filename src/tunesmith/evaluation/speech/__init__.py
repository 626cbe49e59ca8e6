"""Measures of speech: what was said, how long it took, and in whose voice."""

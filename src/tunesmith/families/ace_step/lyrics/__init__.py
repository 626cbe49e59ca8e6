"""Lyrics to token ids, by the same code for training and for generation."""

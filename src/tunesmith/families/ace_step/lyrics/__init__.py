"""Lyrics to token ids: one way, for training and for generation."""

"""Learned ears: small networks that hear voices, speech and its quality, each fetched only when asked for."""

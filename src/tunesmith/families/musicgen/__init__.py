"""MusicGen: a codec language model with text cross-attention."""

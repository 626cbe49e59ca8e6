"""MusicGen: a codec language model with text cross-attention."""

import os

# transformers warns at every load that MusicGen's pad id lies one past its vocabulary, which is how MusicGen is made.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

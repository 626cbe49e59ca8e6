"""Tunesmith fine-tunes generative audio models on your own clips and says honestly whether it worked."""

__version__ = "0.1.0"

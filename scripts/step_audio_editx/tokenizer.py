"""A doorway into Tunesmith: see train/README.md beside this file."""

from tunesmith.doorways.step_audio.tokenizer import StepAudioTokenizer

__all__ = ["StepAudioTokenizer"]

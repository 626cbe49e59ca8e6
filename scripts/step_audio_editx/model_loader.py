"""A doorway into Tunesmith: see train/README.md beside this file."""

from tunesmith.doorways.step_audio.model_loader import ModelSource

__all__ = ["ModelSource"]

"""A doorway into Tunesmith: see train/README.md."""

from tunesmith.doorways.step_audio.pairs_dataset import AudioEditDataset, build_dataloader

__all__ = ["AudioEditDataset", "build_dataloader"]

"""A doorway into Tunesmith: see README.md beside this file."""

from tunesmith.doorways.musicgen.dataset import MusicGenDataset, collate_fn, create_dataloader

__all__ = ["MusicGenDataset", "collate_fn", "create_dataloader"]

"""Seeds, checkpoints, averages, clipping and logs are made by Tunesmith's own loop, ``tunesmith/training/``."""

from tunesmith.families.step_audio.checkpoints import read_checkpoint as load_ckpt
from tunesmith.training.ema import Ema as EMA  # noqa: N814 - the guide's name

__all__ = ["EMA", "load_ckpt"]

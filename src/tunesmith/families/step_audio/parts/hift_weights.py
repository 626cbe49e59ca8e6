"""Loads the vocoder of a checkpoint: ``hift.pt`` as released, or safetensors."""

from __future__ import annotations

from pathlib import Path

from tunesmith.families.component import build, fold_weight_norm, read_tensors
from tunesmith.families.step_audio.config import HiftConfig
from tunesmith.families.step_audio.parts.hift import Hift


def load_hift(file: Path, config: HiftConfig) -> Hift:
    """The vocoder with its weights: fp32, on the CPU, frozen, in eval mode.

    Args:
        file: ``hift.pt`` (read with ``weights_only``) or ``.safetensors``, with weight norm in either of torch's
            spellings or merged.
        config: Its sizes.

    Raises:
        TunesmithError: when the file is absent or unreadable, or naming tensors that are missing, unknown or of
            another shape.
    """
    return build(lambda: Hift(config), fold_weight_norm(read_tensors(file)), file)

"""Encoded clips to a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Batch
from tunesmith.families.musicgen.config import MusicGenConfig
from tunesmith.families.musicgen.objective import condition_dropout, term_weights


def collate(
    items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None, config: MusicGenConfig, dropout: float
) -> Batch:
    """Right-pad codes with the pad id and text with zeros; captions dropped by a zero mask.

    Args:
        items: ``codes`` (K, T) and ``text`` (L, D) of every clip.
        rngs: Each clip's random draws; ``None`` for a measurement, which drops nothing.
        config: Of the checkpoint.
        dropout: Share of the clips without a caption.
    """
    frames = [item["codes"].shape[1] for item in items]
    words = [item["text"].shape[0] for item in items]
    codes = np.full((len(items), config.num_codebooks, max(frames)), config.pad, np.int64)
    text = np.zeros((len(items), max(words), items[0]["text"].shape[1]), np.float32)
    mask = np.zeros((len(items), max(words)), np.float32)
    for row, item in enumerate(items):
        codes[row, :, : frames[row]] = item["codes"]
        text[row, : words[row]] = item["text"]
        mask[row, : words[row]] = 1
    kept = torch.from_numpy(mask) * condition_dropout(rngs, dropout, len(items))[:, None]
    return {
        "codes": torch.from_numpy(codes),
        "frames": frames,
        "text": torch.from_numpy(text),
        "text_mask": kept,
        "text_is_whole": bool(kept.all()),
        "denominators": term_weights(frames, config.delays),
    }

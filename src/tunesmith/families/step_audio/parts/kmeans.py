"""The nearest centroid of each frame.

Shapes: T frames, D width, K centroids.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def nearest(frames_TD: torch.Tensor, centroids_KD: torch.Tensor) -> torch.Tensor:
    """Number (T,) int64 of the centroid at the least Euclidean distance; the first of equals."""
    return torch.cdist(frames_TD, centroids_KD).argmin(dim=1)


def load_centroids(file: Path, count: int, width: int) -> torch.Tensor:
    """Centroids (K, D) float32 of a ``.npy`` file.

    Args:
        file: ``linguistic_tokenizer.npy``.
        count: How many there must be.
        width: How wide each must be.

    Raises:
        TunesmithError: when the file is absent, no plain array, or of another shape.
    """
    try:
        array = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        what = (
            msg("the file of centroids is missing")
            if isinstance(error, FileNotFoundError)
            else msg("the file of centroids cannot be read ({error})", error=error)
        )
        raise TunesmithError(
            what,
            where=str(file),
            remedy=msg("Download stepfun-ai/Step-Audio-Tokenizer again."),
        ) from error
    if array.shape != (count, width):
        raise TunesmithError(
            msg(
                "the centroids are of shape {shape}, not {expected}",
                shape=str(array.shape),
                expected=str((count, width)),
            ),
            where=str(file),
            remedy=msg("Check that this file and the encoder beside it are of one repository."),
        )
    return torch.from_numpy(array.astype(np.float32))

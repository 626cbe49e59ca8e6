"""Noise that is left alone at the end: a recorder that ran on, a record's run-out groove."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.noise_windows import is_noise

Array = NDArray[np.floating]

_BLOCK_S = 0.5
_LEAST_DB = -85.0  # less is the rounding of 16 bits


def noisy_tail(flatness: Array, white: Array, fine: Array, level_db: Array, hop_s: float) -> float:
    """Measures how long a clip goes on with nothing but noise.

    Args:
        flatness: (T,) of the frames, from :func:`~tunesmith.audio.measure.spectrum.noise_curves`.
        white: (T,) likewise.
        fine: (T,) likewise, the last two frames padded.
        level_db: (T,) level of the frames, dBFS.
        hop_s: Seconds between frames.

    Returns:
        Seconds from the end, in steps of half a second; 0 where the last half second is music or silence, or where all
        of the clip is noise.
    """
    width = max(4, round(_BLOCK_S / hop_s))
    blocks = len(white) // width
    for number in range(blocks):
        part = slice(len(white) - (number + 1) * width, len(white) - number * width)
        quiet = float(np.median(level_db[part])) < _LEAST_DB
        if quiet or not is_noise(*(float(np.median(curve[part])) for curve in (flatness, white, fine))):
            return number * width * hop_s
    return 0.0

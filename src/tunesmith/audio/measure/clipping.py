"""Clipping: samples in flat tops at the peak."""

from __future__ import annotations

import numpy as np

_PLATEAU, _SHOULDER = 0.9995, 0.9975  # no smooth wave has 3 samples above the first and steps over the second


def clipped_samples(magnitude: np.ndarray, peak: float) -> int:
    """Samples in flat tops: three or more in a row at the peak that the wave does not glide into.

    Args:
        magnitude: Absolute samples of one channel.
        peak: The clip's (or block's) largest one.

    Near its top a smooth wave is a parabola, and three samples within 0.05 % of the peak put the next one within
    0.2 %, so a pure bass note is never mistaken for clipping; a cut wave arrives at the top with a step.
    """
    if peak <= 1e-4:
        return 0
    top = np.flatnonzero(magnitude >= _PLATEAU * peak)
    if len(top) < 3:
        return 0
    breaks = np.flatnonzero(np.diff(top) > 1)
    first, last = top[np.r_[0, breaks + 1]], top[np.r_[breaks, len(top) - 1]]
    length = last - first + 1
    shoulder = _SHOULDER * peak
    steep = (magnitude[np.maximum(first - 1, 0)] < shoulder) | (
        magnitude[np.minimum(last + 1, len(magnitude) - 1)] < shoulder
    )
    return int(length[(length >= 3) & steep].sum())

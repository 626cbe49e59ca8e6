"""Clicks: impulses of less than a millisecond, as of vinyl, of bad clocks and of splices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

_PIECE_S = 0.0005
_OVER_LOCAL = 10.0
_OVER_SIDES = 7.0
_LEAST = 0.002  # of full scale, in the residual: less is not heard
_AROUND = 12


def clicks(mono: Array, sample_rate: int) -> Array:
    """Finds impulses that stand alone over the sound around them.

    The residual is the third difference, which keeps what is too sudden for the ear's range; it is taken in pieces of
    half a millisecond. A click fills one or two pieces and leaves those before and behind as they were; a drum or a
    consonant goes on.

    Args:
        mono: (N,), full scale ±1.
        sample_rate: In Hz; under 16 kHz a click is as wide as a consonant, and none is reported.

    Returns:
        (K,) seconds, one for each click.

    Source: the residual test of Godsill & Rayner 1998, "Digital Audio Restoration", with a fixed differencing filter in
    place of an autoregressive model.
    """
    from scipy.ndimage import maximum_filter1d, median_filter

    hop = max(4, round(_PIECE_S * sample_rate))
    count = (len(mono) - 3) // hop
    if sample_rate < 16_000 or count < 4 * _AROUND:
        return np.zeros(0)
    signal = np.asarray(mono, np.float32)
    residual = np.abs(np.diff(signal, 3))
    loudest = residual[: count * hop].reshape(count, hop).max(axis=1)
    local = median_filter(loudest, 2 * _AROUND + 1, mode="nearest")
    sides = np.maximum(_side(loudest, -1), _side(loudest, 1))
    peaks = loudest == maximum_filter1d(loudest, 5, mode="nearest")
    found = peaks & (loudest > _LEAST) & (loudest > _OVER_LOCAL * local) & (loudest > _OVER_SIDES * sides)
    return np.flatnonzero(found) * (hop / sample_rate)


def _side(loudest: Array, direction: int) -> Array:
    """The loudest of pieces 2 to 8 on one side of each: what a drum leaves behind and a click does not."""
    from scipy.ndimage import maximum_filter1d

    widest: Array = maximum_filter1d(loudest, 7, mode="nearest")
    return np.roll(widest, -5 * direction)

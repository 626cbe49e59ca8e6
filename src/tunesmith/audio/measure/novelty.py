"""Where one section of a piece gives way to another: the sound on both sides is alike within and unlike across."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.peaks import peaks

Array = NDArray[np.floating]

FRAMES_PER_SECOND = 2
_REACH = 12  # frames on either side: six seconds, a few bars
_SMOOTH = 4
_LEAST_APART, _LEAST_HEIGHT = 8, 0.25


def section_changes(features: Array) -> list[float]:
    """Seconds at which sections change, rising.

    Args:
        features: (T, D) timbre and harmony, two frames a second, each column centred and scaled.

    Source: Foote 2000, "Automatic audio segmentation using a measure of audio novelty"; a kernel of 12 s, peaks of at
    least a quarter of the highest. It rather finds too many: they are places to cut, not the form of a song.
    """
    if len(features) <= 2 * _REACH:
        return []
    curve = _novelty(features)
    highest = curve[_REACH // 2 : -_REACH // 2].max()
    if highest <= 0:
        return []
    found = peaks(curve / highest, _LEAST_HEIGHT, prominence=0.6 * _LEAST_HEIGHT, distance=_LEAST_APART)
    return [peak / FRAMES_PER_SECOND for peak in found]


def _novelty(features: Array) -> Array:
    """A checkerboard along the diagonal of the likeness of every frame with those near it; memory grows with T."""
    from scipy.ndimage import uniform_filter1d

    smooth = uniform_filter1d(features, _SMOOTH, axis=0, mode="nearest")
    unit = smooth / (np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-9)
    padded = np.concatenate([np.repeat(unit[:1], _REACH, axis=0), unit, np.repeat(unit[-1:], _REACH, axis=0)])
    offset = np.arange(-_REACH, _REACH) + 0.5
    bell = np.exp(-0.5 * (offset / (_REACH / 2)) ** 2)
    board = np.sign(np.outer(offset, offset)) * np.outer(bell, bell)
    windows = (padded[frame : frame + 2 * _REACH] for frame in range(len(unit)))
    curve: Array = np.maximum(0, np.array([((window @ window.T) * board).sum() for window in windows]))
    return curve

"""Peaks of a curve that stand out, as ``scipy.signal.find_peaks`` finds them.

That package takes a second to import, for it imports statistics and optimisation with it, and nothing else of it is
needed where sound is measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def peaks(curve: Array, height: float, prominence: float, distance: int = 1) -> list[int]:
    """Places of local maxima, rising; of a plateau its middle. The first and last value are none.

    Args:
        curve: (N,), finite.
        height: Least value of a peak.
        prominence: How far a peak at least rises above the higher one of the lowest values that lie between it and a
            value above it, or the curve's end, on either side.
        distance: Least places between two peaks; the higher one stays, of equal ones the later.
    """
    found = [place for place in _maxima(curve) if curve[place] >= height]
    found = _apart(curve, found, distance)
    return [place for place in found if _prominence(curve, place) >= prominence]


def _maxima(curve: Array) -> list[int]:
    if len(curve) < 3:
        return []
    begins = np.flatnonzero(np.diff(curve, prepend=np.nan) != 0)  # of runs of equal values; NaN differs from all
    ends = np.append(begins[1:], len(curve)) - 1
    level = curve[begins]
    inner = np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] > level[2:])) + 1
    return [int(begins[run] + ends[run]) // 2 for run in inner]


def _apart(curve: Array, places: list[int], distance: int) -> list[int]:
    kept: list[int] = []
    for place in sorted(places, key=lambda place: (curve[place], place), reverse=True):
        if all(abs(place - other) >= distance for other in kept):
            kept.append(place)
    return sorted(kept)


def _prominence(curve: Array, place: int) -> float:
    height = curve[place]
    above = np.flatnonzero(curve > height)
    after = int(np.searchsorted(above, place))
    left = above[after - 1] + 1 if after else 0
    right = above[after] if after < len(above) else len(curve)
    return float(height - max(curve[left : place + 1].min(), curve[place:right].min()))

"""Beeps: pure tones of one pitch that start and stop at once, as of censors, shops' watermarks and test signals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.spectrum import Frames

Array = NDArray[np.floating]

_LOWEST_HZ = 350.0
_OVER_BESIDE_DB = 16.0
_SHORTEST_S, _LONGEST_S = 0.15, 4.0
_MOST_RIPPLE_DB = 2.0
_MOST_DRIFT_HZ = 1.5
_EDGE_DB = 12.0
_LEAST_POWER = 1e-8  # -74 dBFS
_BESIDE = (4, 16)  # bins: outside the window's main lobe


@dataclass(frozen=True)
class Beep:
    """One pure tone.

    Attributes:
        start: In seconds.
        seconds: Its length.
        hz: Its pitch.
        over_db: How far it rises over the frequencies beside it.
    """

    start: float
    seconds: float
    hz: float
    over_db: float


def beeps(frames: Frames) -> list[Beep]:
    """Finds tones that stand apart from what sounds with them.

    A beep is a line in the spectrum that keeps its frequency (within 1.5 Hz) and its level (within 2 dB) from a hard
    start to a hard end (12 dB within two frames), 0.15 s to 4 s later, and has nothing beside it. Notes decay, swell or
    waver; a synthesiser's may not, and then they are a tune: tones of many pitches, which the caller can tell.

    Args:
        frames: Windows of 64 ms every 32 ms.

    Returns:
        The tones by start.
    """
    power, frequencies = frames.power, frames.frequencies
    if len(power) < 8 or len(frequencies) < 4 * _BESIDE[1]:
        return []
    line = _lines(power, int(np.searchsorted(frequencies, _LOWEST_HZ)))
    times, bins = np.nonzero(line)
    if len(times) == 0:
        return []
    order = np.lexsort((times, bins))
    times, bins = times[order], bins[order]
    breaks = np.flatnonzero((np.diff(bins) != 0) | (np.diff(times) > 1)) + 1
    runs = zip(np.split(times, breaks), np.split(bins, breaks), strict=True)
    found = [_beep(frames, int(run[0]), int(run[-1]) + 1, int(where[0])) for run, where in runs]
    return sorted((beep for beep in found if beep is not None), key=lambda each: each.start)


def _lines(power: Array, first: int) -> NDArray[np.bool_]:
    """Where a bin is a peak far over both of its sides."""
    near, far = _BESIDE
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, axis=1, dtype=np.float64)], axis=1)
    size = power.shape[1]
    inner = np.arange(max(first, far), size - far)
    below = (total[:, inner - near + 1] - total[:, inner - far]) / (far - near + 1)
    above = (total[:, inner + far + 1] - total[:, inner + near]) / (far - near + 1)
    here = power[:, inner]
    peak = (here >= power[:, inner - 1]) & (here > power[:, inner + 1]) & (here > _LEAST_POWER)
    line = np.zeros(power.shape, bool)
    line[:, inner] = peak & (here > 10 ** (_OVER_BESIDE_DB / 10) * np.maximum(below, above))
    return line


def _beep(frames: Frames, first: int, last: int, where: int) -> Beep | None:
    """The run of frames as a beep, if it keeps its pitch and level between two hard edges."""
    seconds = (last - first) * frames.hop_s
    if not _SHORTEST_S - frames.hop_s <= seconds <= _LONGEST_S or first < 2 or last > len(frames.power) - 2:
        return None
    lobe = frames.power[first - 2 : last + 2, where - 2 : where + 3].astype(np.float64)
    level = 10 * np.log10(lobe.sum(axis=1) + 1e-14)
    inside = slice(3, -3) if len(level) > 8 else slice(2, -2)
    middle = float(np.median(level[inside]))
    low, high = np.percentile(level[inside], [10, 90])
    if high - low > _MOST_RIPPLE_DB or middle - max(level[0], level[-1]) < _EDGE_DB:
        return None
    offset = (lobe[inside] * np.arange(-2, 3)).sum(axis=1) / lobe[inside].sum(axis=1)
    step = float(frames.frequencies[1])
    if float(offset.std()) * step > _MOST_DRIFT_HZ:
        return None
    around = np.r_[where - _BESIDE[1] : where - _BESIDE[0], where + _BESIDE[0] + 1 : where + _BESIDE[1] + 1]
    beside = float(frames.power[first:last, around].mean())
    hz = float(frames.frequencies[where]) + float(np.median(offset)) * step
    return Beep(first * frames.hop_s, seconds, hz, middle - 10 * float(np.log10(5 * beside + 1e-14)))

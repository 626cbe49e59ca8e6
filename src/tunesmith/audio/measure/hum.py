"""Hum of the mains: lines at 50 or 60 Hz and their multiples that stand still while the music moves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.spectrum import power_frames

Array = NDArray[np.floating]

MAINS_HZ = (50.0, 60.0)
_RATE = 2_000
_WINDOW_S, _HOP_S = 8.0, 1.0
_MULTIPLES = 10
_OFF_HZ = 0.1  # what the mains keep within
_NEAR_HZ, _FAR_HZ = 0.8, 5.0
_LEAST_OVER_DB = 6.0


@dataclass(frozen=True)
class Hum:
    """The mains in a recording.

    Attributes:
        hz: 50 or 60, whichever stands out more; 0 where neither does.
        lines: How many of its first ten multiples stand out all the time.
        over_db: How far the best three of them rise over what lies beside them, on average.
        level_db: Level of the lines together, dBFS (RMS).
    """

    hz: float
    lines: int
    over_db: float
    level_db: float


NO_HUM = Hum(0.0, 0, 0.0, -120.0)


def hum(mono: Array, sample_rate: int) -> Hum:
    """Looks for the mains under the sound.

    A line counts where it rises, in each of the windows of 8 s but a fifth, over the loudest tenth of what lies 0.8 to
    5 Hz beside it, within 0.1 Hz of a multiple of the mains. Notes lie elsewhere (A at 440 Hz puts none within 0.6 Hz
    of 50, 60, 100 or 120 Hz) and come and go, and the lines of a strict beat have neighbours of their own height.

    Args:
        mono: (N,), full scale ±1; half a minute is enough.
        sample_rate: In Hz.

    Returns:
        What there is of 50 or of 60 Hz; :data:`NO_HUM` under 9 s or where nothing stands out.
    """
    from tunesmith.audio.resample import resample

    if sample_rate < _RATE or len(mono) < (_WINDOW_S + _HOP_S) * sample_rate:
        return NO_HUM
    low = resample(np.asarray(mono, np.float32)[None], sample_rate, _RATE)[0]
    frames = power_frames(low, _RATE, _WINDOW_S, _HOP_S)
    found = [_of(frames.power, frames.frequencies, mains) for mains in MAINS_HZ]
    return max(found, key=lambda each: (each.lines, each.over_db))


def _of(power: Array, frequencies: Array, mains: float) -> Hum:
    over, level = [], []
    for multiple in range(1, _MULTIPLES + 1):
        apart = np.abs(frequencies - multiple * mains)
        line, beside = apart <= _OFF_HZ, (apart >= _NEAR_HZ) & (apart <= _FAR_HZ)
        peak = power[:, line].max(axis=1)
        rise = 10 * np.log10((peak + 1e-16) / (np.percentile(power[:, beside], 90, axis=1) + 1e-16))
        over.append(float(np.percentile(rise, 20)))
        level.append(float(np.median(peak)))
    rises, powers = np.array(over), np.array(level)
    steady = rises > _LEAST_OVER_DB
    if not steady.any():
        return NO_HUM
    return Hum(
        hz=mains,
        lines=int(steady.sum()),
        over_db=float(np.sort(rises)[-3:].mean()),
        level_db=10 * math.log10(2 * float(powers[steady].sum()) + 1e-12),  # a sine of RMS 1 peaks at 0.5
    )

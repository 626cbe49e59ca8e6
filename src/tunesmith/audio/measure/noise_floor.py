"""Steady noise under the sound: hiss of a tape or a preamplifier, a fan, the noise of a room.

Source: order statistics of a noise's power spectrum (exponentially distributed in every bin), as in Martin 2001, "Noise
power spectral density estimation based on optimal smoothing and minimum statistics".
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.spectrum import Frames

Array = NDArray[np.floating]

_LOWEST_HZ, _HIGHEST_HZ = 2_000.0, 16_000.0
_DIGITAL_SILENCE_DB = -95.0
_TENTH = 0.10536  # of the exponential distribution, in its mean
_LEAST_SPREAD_DB, _MOST_SPREAD_DB = 6.0, 10.0  # noise has 8.2 dB between them, a tone 0, music 12 and more
_FEWEST_FRAMES = 60
_QUIET_SHARE = 0.1


@dataclass(frozen=True)
class NoiseFloor:
    """What lies under the sound, between 2 and 16 kHz. NaN where it cannot be told (under 2 s, silence).

    Attributes:
        steady_share: Share of the bins that move as steady noise does, and not as music or a tone: 0…1.
        steady_db: Level of the noise that is always there, by those bins, dB under the loud level of the clip.
        quiet_db: Level of the quietest tenth of the frames, all frequencies over 200 Hz, dB under the loud level.
        quiet_white: Spectral flatness of their mean spectrum after taking out its envelope; near 1 for noise.
    """

    steady_share: float
    steady_db: float
    quiet_db: float
    quiet_white: float


NO_FLOOR = NoiseFloor(math.nan, math.nan, math.nan, math.nan)


def noise_floor(frames: Frames) -> NoiseFloor:
    """Measures the noise that is there at all times.

    In every bin the power of steady noise is distributed exponentially over time, so its 10th percentile and its median
    are 8.2 dB apart; where notes come and go they are further apart, and on a held tone they are one. Music over the
    noise hides it in some bins and at some times; the tenth percentile sees through the gaps.

    Args:
        frames: Of the mono signal, from :func:`~tunesmith.audio.measure.spectrum.timbre_frames`; half a minute is
            enough.

    Returns:
        The floor; levels are relative to the 95th percentile of the frames' levels.
    """
    heard = frames.power.sum(axis=1) > 10 ** (_DIGITAL_SILENCE_DB / 10)
    power = frames.power if heard.all() else frames.power[heard]
    if len(power) < _FEWEST_FRAMES:
        return NO_FLOOR
    level = power.sum(axis=1)
    loud = float(np.percentile(level, 95))
    high = (frames.frequencies >= _LOWEST_HZ) & (frames.frequencies <= min(_HIGHEST_HZ, 0.9 * frames.frequencies[-1]))
    if high.sum() < 32 or loud <= 0:
        return NO_FLOOR
    tenth, median = _quantiles(power[:, high])
    spread = 10 * np.log10((median + 1e-20) / (tenth + 1e-20))
    audible = median > 1e-15
    steady = audible & (spread > _LEAST_SPREAD_DB) & (spread < _MOST_SPREAD_DB)
    noise = float((tenth[steady] / _TENTH).sum())
    quiet = power[np.argsort(level)[: max(8, int(_QUIET_SHARE * len(level)))]].mean(axis=0)
    audible_low = frames.frequencies >= 200
    return NoiseFloor(
        steady_share=float(steady.mean()),
        steady_db=_db(noise / loud),
        quiet_db=_db(float(quiet[audible_low].sum()) / loud),
        quiet_white=_white(quiet[high]),
    )


def _quantiles(power: Array) -> tuple[Array, Array]:
    """10th percentile and median over frames, per bin."""
    tenth, middle = len(power) // 10, len(power) // 2
    ordered = np.partition(power, (tenth, middle), axis=0)
    return ordered[tenth], ordered[middle]


def _white(mean: Array) -> float:
    from scipy.ndimage import uniform_filter1d

    log = np.log(mean + 1e-20)
    white = log - uniform_filter1d(log, 41, mode="nearest")
    return float(np.exp(white.mean()) / np.exp(white).mean())


def _db(ratio: float) -> float:
    return 10 * math.log10(max(ratio, 1e-12))

"""Bring the clips that are far from a set's median loudness to it, as far as their peaks allow."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from statistics import median

from tunesmith.audio.measure.true_peak import true_peak
from tunesmith.data.checks.loudness_outlier import FEWEST
from tunesmith.data.repair.mend import Mended, repaired
from tunesmith.data.repair.steps import Gain
from tunesmith.data.sample import AudioRef

PEAK_CAP_DB = -1.0
"""True peaks stay under this (dBTP): lossy encoders and converters add up to a decibel."""
MOST_GAIN_DB = 24.0
"""More would lift a recording's noise to where its sound should be."""
_LEAST_GAIN_DB = 0.5
_CERTAIN_DB = 3.0  # a true peak is hardly ever further above the samples than this
_MOVES = 10


def aligned(
    mended: Mapping[AudioRef, Mended], heard: Iterable[AudioRef], changeable: Collection[AudioRef], spread: float
) -> dict[AudioRef, Mended]:
    """The sounds with the gains that bring outliers to the median.

    Args:
        mended: Every sound.
        heard: The sounds that make the median, once for each clip that teaches one.
        changeable: Those that may be changed.
        spread: Only sounds further than this (LU) from the median are changed.
    """
    found = dict(mended)
    for ref, wanted in gains([(ref, mended[ref].facts.lufs) for ref in heard], spread).items():
        if ref in changeable and (gain := _allowed(mended[ref], wanted)):
            found[ref] = replace(mended[ref], steps=(*mended[ref].steps, gain))
    return found


def gains(loudness: Iterable[tuple[AudioRef, float | None]], spread: float) -> dict[AudioRef, float]:
    """Decibels by sound, so that all lie within ``spread`` of the median; moving outliers moves the median a little."""
    given = [(ref, lufs) for ref, lufs in loudness if lufs is not None]
    if len(given) < FEWEST:
        return {}
    levels = [lufs for _, lufs in given]
    for _ in range(_MOVES):
        middle = median(levels)
        if all(abs(level - middle) <= spread for level in levels):
            break
        levels = [middle if abs(level - middle) > spread else level for level in levels]
    return {ref: new - old for (ref, old), new in zip(given, levels, strict=True) if new != old}


def _allowed(sound: Mended, wanted: float) -> Gain | None:
    """The gain that a sound can take; ``None`` where it is too little to be worth a change, or too much to be wise."""
    if wanted > MOST_GAIN_DB:
        return None
    peak_db = 20 * math.log10(max(sound.facts.peak, 1e-9))
    if wanted <= 0 or peak_db + wanted + _CERTAIN_DB <= PEAK_CAP_DB:
        return Gain(wanted)
    with repaired(sound.ref, sound.steps) as pieces:
        room = PEAK_CAP_DB - 20 * math.log10(max(true_peak(pieces, sound.facts.sample_rate), 1e-9))
    if room >= wanted:
        return Gain(wanted)
    return Gain(room, "peaks") if room >= _LEAST_GAIN_DB else None

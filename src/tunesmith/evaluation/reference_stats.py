"""What is normal for this person's music: robust centre and spread of every signal over their own clips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tunesmith.evaluation.signals import Signals

OUTLYING_Z = 4.5
FEWEST_CLIPS = 8

# A spread below these is an accident of a small or uniform set, not a tolerance.
_FLOORS: Mapping[str, float] = {
    "fade_slope": 0.35,
    "fade_drop3": 2.5,
    "dead_tail_s": 0.22,
    "trail_sil_s": 0.22,
    "flat_white": 0.03,
    "eff_rank": 1.5,
    "fine_corr": 0.05,
    "clip_frac": 0.0007,
    "crest_db": 1.5,
    "lufs": 3.0,
    "dc": 0.004,
    "sub_share": 0.03,
    "low_env_std_db": 0.5,
    "low_env_lag1": 0.03,
    "centroid_hz": 100.0,
    "band_edge_hz": 700.0,
    "tempo_bpm": 3.0,
    "pulse": 0.05,
    "loop_sim": 0.05,
    "flux": 0.2,
    "error_rate": 0.05,
    "speech_rate": 0.3,
    "voice_own": 0.05,
    "mos": 0.15,
}


_AT_THE_END = frozenset({"fade_slope", "fade_drop3", "dead_tail_s", "trail_sil_s"})
"""What the end of a recording tells nothing about: music may well die away there."""


@dataclass(frozen=True)
class Centre:
    """Median and spread (1.4826 times the median absolute deviation, with a floor) of one signal."""

    median: float
    spread: float


@dataclass(frozen=True)
class Deviation:
    """How far one signal is from the person's own clips, in its bad direction.

    Attributes:
        signal: Its name.
        value: Of the clip.
        median: Of the person's own clips.
        limit: :data:`OUTLYING_Z` spreads from the median.
        spread: Of the person's own clips (see :class:`Centre`).
        z: How many spreads the value is off; over :data:`OUTLYING_Z` is beyond the limit.
    """

    signal: str
    value: float
    median: float
    limit: float
    spread: float
    z: float

    @property
    def beyond(self) -> bool:
        """Whether the value is beyond what the person's own clips make expect."""
        return self.z > OUTLYING_Z


@dataclass(frozen=True)
class Reference:
    """The person's own clips, summed up.

    Attributes:
        count: How many clips.
        centres: By signal name; a signal that fewer than half of the clips could give is missing.
        common: Names of rules that at least half of these clips break themselves, with that share: such a rule says
            nothing about a model that learnt from them.
    """

    count: int
    centres: Mapping[str, Centre]
    common: Mapping[str, float] = field(default_factory=dict)

    def deviation(self, name: str, value: float, sign: int) -> Deviation | None:
        """How far a value is off in the bad direction ``sign`` (+1: higher is worse); ``None`` where it is unknown."""
        centre = self.centres.get(name)
        if self.count < FEWEST_CLIPS or centre is None or not math.isfinite(value):
            return None
        limit = centre.median + sign * OUTLYING_Z * centre.spread
        z = sign * (value - centre.median) / centre.spread
        return Deviation(name, value, centre.median, limit, centre.spread, z)


def fit_centres(clips: Sequence[Signals]) -> dict[str, Centre]:
    """Robust centre and spread of every signal that has a floor (see :class:`Reference`)."""
    centres = {}
    inside = [clip for clip in clips if not clip.at_end > 0]
    for name, floor in _FLOORS.items():
        those = inside if name in _AT_THE_END else clips
        values = finite([getattr(clip, name, math.nan) for clip in those])  # only speech has an error rate
        if len(values) and len(values) * 2 > len(those):
            median = float(np.median(values))
            spread = 1.4826 * float(np.median(np.abs(values - median)))
            centres[name] = Centre(median, max(spread, floor))
    return centres


def finite(values: Sequence[float]) -> np.ndarray:
    """The values that could be measured, as an array."""
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]

"""Whether fine-tuning moved the sound towards the person's own clips, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.evaluation.paired import paired
from tunesmith.evaluation.reference_stats import Centre, finite, fit_centres
from tunesmith.evaluation.signals import Signals
from tunesmith.records.comparison import Direction
from tunesmith.texts import Message, msg

# In reference spreads. The median of eight outputs of the same music scatters by 0.44 of them.
_LEAST_MOVE = 0.5
_INSIDE = 1.0


@dataclass(frozen=True)
class Feature:
    """What is compared: the signal, what it is called in a table and within a sentence, and its unit."""

    signal: str
    title: Message
    term: Message
    unit: str = ""


_BRIGHTNESS = Feature("centroid_hz", msg("Brightness"), msg("brightness"), "Hz")
_LOUDNESS = Feature("lufs", msg("Loudness"), msg("loudness"), "LUFS")
FEATURES: tuple[Feature, ...] = (
    Feature("sub_share", msg("Share under 120 Hz"), msg("share under 120 Hz")),
    Feature("low_env_std_db", msg("Movement of the bass"), msg("movement of the bass"), "dB"),
    Feature("low_env_lag1", msg("Hold of the bass"), msg("hold of the bass")),
    _BRIGHTNESS,
    Feature("tempo_bpm", msg("Tempo"), msg("tempo"), "BPM"),
    Feature("pulse", msg("Clarity of the beat"), msg("clarity of the beat")),
    _LOUDNESS,
)
SPEECH_FEATURES: tuple[Feature, ...] = (
    Feature("voice_own", msg("Likeness to the speaker"), msg("likeness to the speaker")),
    Feature("speech_rate", msg("Speaking rate"), msg("speaking rate"), "syllables/s"),
    _BRIGHTNESS,
    _LOUDNESS,
)


@dataclass(frozen=True)
class FeatureShift:
    """How one feature moved.

    Attributes:
        feature: What moved; its unit is that of the three medians.
        base: Median over the base model's outputs.
        adapter: Median over the adapter's outputs.
        reference: Median over the person's own clips.
        reference_spread: Their robust spread (1.4826 times the median absolute deviation, with a floor).
        base_distance: Distance of the base's median from theirs, in spreads.
        adapter_distance: The same for the adapter.
        direction: ``unchanged`` when the distance moves by under half a spread, or both lie within one.
        p_value: Wilcoxon over the pairs' distances; 1 when they cannot be paired.
        n: How many pairs.
    """

    feature: Feature
    base: float
    adapter: float
    reference: float
    reference_spread: float
    base_distance: float
    adapter_distance: float
    direction: Direction
    p_value: float
    n: int

    @property
    def moved_towards(self) -> bool:
        """Whether the distance to the person's clips shrank by a size that matters."""
        return self.direction == "towards"


def towards_reference(
    base: Sequence[Signals],
    adapter: Sequence[Signals],
    reference: Sequence[Signals],
    features: Sequence[Feature] = FEATURES,
) -> list[FeatureShift]:
    """Compares base, adapter and the person's own clips feature by feature.

    Args:
        base: Outputs of the base model, measured.
        adapter: Outputs with the adapter; paired with ``base`` when as many.
        reference: The person's own clips, on crops as long as the outputs and at their sample rate.
        features: What is compared.

    Returns:
        One shift per feature that all three could give; empty without clips.
    """
    centres = fit_centres(reference) if reference else {}
    shifts = []
    for feature in features:
        centre = centres.get(feature.signal)
        before, after = ([getattr(clip, feature.signal) for clip in clips] for clips in (base, adapter))
        if centre is None or not len(finite(before)) or not len(finite(after)):
            continue
        shifts.append(_shift(feature, before, after, centre))
    return shifts


def _shift(feature: Feature, before: Sequence[float], after: Sequence[float], centre: Centre) -> FeatureShift:
    base, adapter = float(np.median(finite(before))), float(np.median(finite(after)))
    base_distance, adapter_distance = (abs(value - centre.median) / centre.spread for value in (base, adapter))
    test = paired(_distances(before, centre), _distances(after, centre)) if len(before) == len(after) else None
    return FeatureShift(
        feature,
        base=base,
        adapter=adapter,
        reference=centre.median,
        reference_spread=centre.spread,
        base_distance=base_distance,
        adapter_distance=adapter_distance,
        direction=_direction(base_distance, adapter_distance),
        p_value=test.p_value if test else 1.0,
        n=test.n if test else 0,
    )


def _distances(values: Sequence[float], centre: Centre) -> list[float]:
    return [abs(value - centre.median) / centre.spread for value in values]


def _direction(before: float, after: float) -> Direction:
    if abs(after - before) < _LEAST_MOVE or max(before, after) < _INSIDE:
        return "unchanged"
    return "towards" if after < before else "away"

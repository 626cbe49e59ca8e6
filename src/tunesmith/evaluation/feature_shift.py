"""Whether fine-tuning moved the sound towards the person's own clips, feature by feature."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tunesmith.evaluation.reference_stats import Centre, finite, fit_centres
from tunesmith.evaluation.sign_flips import step_down
from tunesmith.evaluation.signals import Signals
from tunesmith.records.comparison import Direction
from tunesmith.texts import Message, msg

# In reference spreads. The median of eight outputs of the same music scatters by 0.44 of them.
_LEAST_MOVE = 0.5
_INSIDE = 1.0
_ALPHA = 0.05
_FURTHEST = 5.0


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
        direction: ``unchanged`` when the distance moves by under half a spread, both lie within one, or chance may
            explain it (over 5 % in all features together, or under six pairs).
        p_value: Of the pairs' distances, among all features (:func:`~tunesmith.evaluation.sign_flips.step_down`); 1
            when they cannot be paired.
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
    known = []
    for feature in features:
        before, after = ([getattr(clip, feature.signal) for clip in clips] for clips in (base, adapter))
        if feature.signal in centres and len(finite(before)) and len(finite(after)):
            known.append((feature, before, after, centres[feature.signal]))
    moves = [_moves(before, after, centre) for _, before, after, centre in known] if len(base) == len(adapter) else []
    p_values = step_down(moves) if moves else [1.0] * len(known)
    counts = [len(finite(move)) for move in moves] if moves else [0] * len(known)
    return [_shift(*each, p, n) for each, p, n in zip(known, p_values, counts, strict=True)]


def approach(
    base: Sequence[Signals], adapter: Sequence[Signals], reference: Sequence[Signals], features: Sequence[Feature]
) -> list[float]:
    """By how many of the person's spreads every pair came nearer to their clips, in the mean over the features.

    Distances over five spreads count as five, so that one feature far away does not decide alone.

    Args:
        base: Outputs of the base model, measured.
        adapter: Outputs with the adapter, as many.
        reference: The person's own clips.
        features: What is compared.

    Returns:
        One number per pair, negative where it moved away; empty without clips.
    """
    centres = fit_centres(reference) if reference else {}
    moves = [
        _moves(
            [getattr(c, f.signal) for c in base], [getattr(c, f.signal) for c in adapter], centres[f.signal], _FURTHEST
        )
        for f in features
        if f.signal in centres
    ]
    if not moves:
        return []
    known = np.isfinite(moves)
    return [float(x) for x in -np.where(known, moves, 0).sum(axis=0) / np.maximum(1, known.sum(axis=0))]


def features_of(profile: Literal["music", "speech"]) -> tuple[Feature, ...]:
    """What is compared in music or in speech."""
    return SPEECH_FEATURES if profile == "speech" else FEATURES


def _moves(before: Sequence[float], after: Sequence[float], centre: Centre, furthest: float = math.inf) -> list[float]:
    """How much further from the centre each pair is, in spreads; NaN where either was not measured."""
    far = (np.abs(np.asarray(values, np.float64) - centre.median) / centre.spread for values in (before, after))
    first, second = (np.minimum(distance, furthest) for distance in far)
    return [float(x) for x in second - first]


def _shift(
    feature: Feature, before: Sequence[float], after: Sequence[float], centre: Centre, p_value: float, pairs: int
) -> FeatureShift:
    base, adapter = float(np.median(finite(before))), float(np.median(finite(after)))
    base_distance, adapter_distance = (abs(value - centre.median) / centre.spread for value in (base, adapter))
    return FeatureShift(
        feature,
        base=base,
        adapter=adapter,
        reference=centre.median,
        reference_spread=centre.spread,
        base_distance=base_distance,
        adapter_distance=adapter_distance,
        direction=_direction(base_distance, adapter_distance) if p_value <= _ALPHA else "unchanged",
        p_value=p_value,
        n=pairs,
    )


def _direction(before: float, after: float) -> Direction:
    if abs(after - before) < _LEAST_MOVE or max(before, after) < _INSIDE:
        return "unchanged"
    return "towards" if after < before else "away"

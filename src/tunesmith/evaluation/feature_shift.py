"""Whether fine-tuning moved the sound towards the person's own clips, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from tunesmith.evaluation.paired import paired
from tunesmith.evaluation.reference_stats import Centre, finite, fit_centres
from tunesmith.evaluation.signals import Signals

Direction = Literal["towards", "away", "unchanged"]

# In reference spreads. The median of eight outputs of the same music scatters by 0.44 of them.
_LEAST_MOVE = 0.5
_INSIDE = 1.0

FEATURES: tuple[tuple[str, str, str, str], ...] = (
    ("sub_share", "Share under 120 Hz", "120 Hz 以下占比", ""),
    ("low_env_std_db", "Movement of the bass", "低频起伏", "dB"),
    ("low_env_lag1", "Hold of the bass", "低频延续", ""),
    ("centroid_hz", "Brightness", "明亮度", "Hz"),
    ("tempo_bpm", "Tempo", "速度", "BPM"),
    ("pulse", "Clarity of the beat", "节拍清晰度", ""),
    ("lufs", "Loudness", "响度", "LUFS"),
)
SPEECH_FEATURES: tuple[tuple[str, str, str, str], ...] = (
    ("voice_own", "Likeness to the speaker", "与说话人的相似度", ""),
    ("speech_rate", "Speaking rate", "语速", "syllables/s"),
    ("centroid_hz", "Brightness", "明亮度", "Hz"),
    ("lufs", "Loudness", "响度", "LUFS"),
)


@dataclass(frozen=True)
class FeatureShift:
    """How one feature moved.

    Attributes:
        name: The signal's name.
        title_en: What it is, for the reader.
        title_zh: The same in Chinese.
        unit: Unit of the three medians.
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

    name: str
    title_en: str
    title_zh: str
    unit: str
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

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary."""
        return asdict(self)


def towards_reference(
    base: Sequence[Signals],
    adapter: Sequence[Signals],
    reference: Sequence[Signals],
    features: Sequence[tuple[str, str, str, str]] = FEATURES,
) -> list[FeatureShift]:
    """Compares base, adapter and the person's own clips feature by feature.

    Args:
        base: Outputs of the base model, measured.
        adapter: Outputs with the adapter; paired with ``base`` when as many.
        reference: The person's own clips, on crops as long as the outputs and at their sample rate.
        features: What is compared: name, English, Chinese, unit.

    Returns:
        One shift per feature that all three could give; empty without clips.
    """
    centres = fit_centres(reference) if reference else {}
    shifts = []
    for name, title_en, title_zh, unit in features:
        centre = centres.get(name)
        before, after = ([getattr(clip, name) for clip in clips] for clips in (base, adapter))
        if centre is None or not len(finite(before)) or not len(finite(after)):
            continue
        shifts.append(_shift((name, title_en, title_zh, unit), before, after, centre))
    return shifts


def _shift(
    feature: tuple[str, str, str, str], before: Sequence[float], after: Sequence[float], centre: Centre
) -> FeatureShift:
    base, adapter = float(np.median(finite(before))), float(np.median(finite(after)))
    base_distance, adapter_distance = (abs(value - centre.median) / centre.spread for value in (base, adapter))
    test = paired(_distances(before, centre), _distances(after, centre)) if len(before) == len(after) else None
    return FeatureShift(
        *feature,
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

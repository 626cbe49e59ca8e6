"""Whether the outputs moved towards the person's own clips in sound and rhythm."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.paired_family import paired_family
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.feature_shift import FeatureShift, features_of, towards_reference
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import NOTHING, Message, msg

_LEAST_MOVE = 0.25
"""Of the person's own spread, in the mean over the features."""


def judge(run: RunData) -> list[RunFinding]:
    """All features together moved towards the clips or away from them, by a size that matters and beyond chance."""
    family = paired_family(run)
    base, adapter, clips = run.alike
    if family is None or family.style is None or base is None:
        return []
    test, size = family.style, family.style.size
    if not test.told or abs(size.estimate) < _LEAST_MOVE:
        return []
    good = size.estimate > 0
    shifts = towards_reference(base, adapter, clips, features_of(run.profile))
    values = {
        "size": abs(size.estimate),
        "low": min(abs(size.low), abs(size.high)),
        "high": max(abs(size.low), abs(size.high)),
        "n": size.n,
        "p_value": test.p_value,
        "named": [_moved(shift) for shift in _most_moved(shifts, good)],
    }
    if good:
        sentence = msg(
            "Sound and rhythm moved towards your clips, by {size:.2g} of their own spread in the mean of all features "
            "(95 % interval {low:.2g} to {high:.2g}, {n} pairs, p = {p_value:.1g}); most of all {named}.",
            **values,
        )
    else:
        sentence = msg(
            "Sound and rhythm moved away from your clips, by {size:.2g} of their own spread in the mean of all "
            "features "
            "(95 % interval {low:.2g} to {high:.2g}, {n} pairs, p = {p_value:.1g}); most of all {named}.",
            **values,
        )
    return [
        RunFinding(
            name="style",
            kind="better" if good else "worse",
            title=msg("Style"),
            sentence=sentence,
            evidence={
                "towards": size.estimate,
                "low": size.low,
                "high": size.high,
                "p_value": test.p_value,
                "features": len(shifts),
                "n": size.n,
            },
            cause=NOTHING if good else _CAUSES,
            remedy=NOTHING if good else _REMEDY,
        )
    ]


def _most_moved(shifts: list[FeatureShift], good: bool) -> list[FeatureShift]:
    """Up to three features, that which moved most first."""
    sign = 1 if good else -1
    moved = sorted(shifts, key=lambda shift: sign * (shift.adapter_distance - shift.base_distance))
    return [shift for shift in moved if sign * (shift.base_distance - shift.adapter_distance) > 0][:3]


def _moved(shift: FeatureShift) -> Message:
    return msg(
        "{feature} ({base:.3g} to {adapter:.3g}, yours {reference:.3g})",
        feature=shift.feature.term,
        base=shift.base,
        adapter=shift.adapter,
        reference=shift.reference,
    )


_CAUSES = msg("Captions that do not describe the clips, prompts unlike the captions, or training that went wrong.")
_REMEDY = msg(
    "Prompt with the words of your captions; read the held-out loss first, for it says whether training went well."
)

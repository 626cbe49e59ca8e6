"""Whether the outputs moved towards the person's own clips in sound and rhythm."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.feature_shift import FEATURES, SPEECH_FEATURES, FeatureShift, towards_reference
from tunesmith.records.run_finding import RunFinding
from tunesmith.texts import NOTHING, Message, msg

_LEAST_MAJORITY = 2


def judge(run: RunData) -> list[RunFinding]:
    """At least two more features moved towards the clips than away from them, or the reverse."""
    base, adapter, clips = run.alike
    if base is None or not clips or not adapter:
        return []
    features = SPEECH_FEATURES if run.profile == "speech" else FEATURES
    shifts = towards_reference(base, adapter, clips, features)
    nearer = [shift for shift in shifts if shift.direction == "towards"]
    further = [shift for shift in shifts if shift.direction == "away"]
    majority = len(nearer) - len(further)
    if abs(majority) < _LEAST_MAJORITY:
        return []
    good = majority > 0
    values = {
        "nearer": len(nearer),
        "features": len(shifts),
        "further": len(further),
        "named": [_moved(shift) for shift in (nearer if good else further)],
    }
    if good:
        sentence = msg(
            "{nearer} of {features} features moved towards your clips, {further} away; towards them: {named}.", **values
        )
    else:
        sentence = msg(
            "{nearer} of {features} features moved towards your clips, {further} away; away from them: {named}.",
            **values,
        )
    return [
        RunFinding(
            name="style",
            kind="better" if good else "worse",
            title=msg("Style"),
            sentence=sentence,
            evidence={"towards": len(nearer), "away": len(further), "features": len(shifts), "n": len(adapter)},
            cause=NOTHING if good else _CAUSES,
            remedy=NOTHING if good else _REMEDY,
        )
    ]


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

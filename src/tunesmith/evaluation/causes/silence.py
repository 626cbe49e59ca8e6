"""The model was taught to fall silent after sound: by silent ends of the clips, or by padding."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.findings import Finding
from tunesmith.records.loss_probes import ProbePair
from tunesmith.records.run_finding import Cause
from tunesmith.texts import Message, msg

_LEARNT = 0.5  # of the base's loss on silence behind sound; good runs leave it where it was, or raise it
_NAMED = 3


def find(run: RunData) -> Cause | None:
    """Silence behind sound costs the adapter at most half of what it costs the base."""
    probes = run.losses.probes if run.losses else None
    silence = probes.silence if probes else None
    if silence is None or not silence.base or silence.adapter is None or not math.isfinite(silence.adapter):
        return None
    if silence.adapter > _LEARNT * silence.base:
        return None
    ends = run.data.by_checks("silent_labels", "mostly_silent", "gap") if run.data else ()
    return _of_clips(run, silence, ends) if ends else _padding(silence)


def _numbers(silence: ProbePair) -> Message:
    return msg(
        "silence after sound costs {base:.3f} without the adapter and {adapter:.3f} with it (after a good run about as "
        "much as before)",
        base=silence.base,
        adapter=silence.adapter,
    )


def _of_clips(run: RunData, silence: ProbePair, ends: tuple[Finding, ...]) -> Cause:
    clips = run.data.clips if run.data else len(ends)
    return Cause(
        name="silent_clips",
        title=msg("Silence in the clips"),
        sentence=msg(
            "{count} of {clips} training clips hold silence, and it was learnt: {numbers}. First of them, {clip}: "
            "{said}.",
            count=len(ends),
            clips=clips,
            numbers=_numbers(silence),
            clip=ends[0].clip,
            said=ends[0].message,
        ),
        remedy=msg(
            "Trim the silence of {names} and train again.",
            names=(*(f.clip for f in ends[:_NAMED]), *(["…"] if len(ends) > _NAMED else [])),
        ),
        evidence={"base": silence.base, "adapter": silence.adapter, "silent_clips": len(ends), "clips": clips},
    )


def _padding(silence: ProbePair) -> Cause:
    return Cause(
        name="padding",
        title=msg("Silence was trained"),
        sentence=msg(
            "None of the clips ends in silence, and yet it was learnt: {numbers}. Clips were filled up with silence, "
            "and it was trained on.",
            numbers=_numbers(silence),
        ),
        remedy=msg("Leave padding out of the loss (mask it in the labels), then train again."),
        evidence={"base": silence.base, "adapter": silence.adapter},
    )

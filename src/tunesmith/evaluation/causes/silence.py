"""The model was taught to fall silent after sound: by silent ends of the clips, or by padding."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.evidence import DataEvidence
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
    return _of_clips(run.data, silence) if run.data and run.data.silent else _padding(silence)


def _numbers(silence: ProbePair) -> Message:
    return msg(
        "silence after sound costs {base:.3f} without the adapter and {adapter:.3f} with it (after a good run about as "
        "much as before)",
        base=silence.base,
        adapter=silence.adapter,
    )


def _of_clips(data: DataEvidence, silence: ProbePair) -> Cause:
    silent, most = data.silent, data.silent[0]
    return Cause(
        name="silent_clips",
        title=msg("Silence in the clips"),
        sentence=msg(
            "{count} of {clips} training clips hold silence ({clip}: {seconds:.1f} s, {share:.0%} of it), and it was "
            "learnt: {numbers}.",
            count=len(silent),
            clips=data.clips,
            clip=most.clip,
            seconds=most.seconds,
            share=most.share,
            numbers=_numbers(silence),
        ),
        remedy=msg(
            "Cut the silence out of {names} (tunesmith check --fix trims the ends) and train again.",
            names=(*(one.clip for one in silent[:_NAMED]), *(["…"] if len(silent) > _NAMED else [])),
        ),
        evidence={
            "base": silence.base,
            "adapter": silence.adapter,
            "silent_clips": len(silent),
            "clips": data.clips,
            "seconds": most.seconds,
        },
    )


def _padding(silence: ProbePair) -> Cause:
    return Cause(
        name="padding",
        title=msg("Silence was trained"),
        sentence=msg(
            "None of the clips holds silence, and yet it was learnt: {numbers}. Clips were filled up with silence, "
            "and it was trained on.",
            numbers=_numbers(silence),
        ),
        remedy=msg("Leave padding out of the loss (mask it in the labels), then train again."),
        evidence={"base": silence.base, "adapter": silence.adapter},
    )

"""Which signals moved from base to adapter on the same prompts and seeds, beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.paired_family import PairedTest, paired_family
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.diagnosis.watched import Watched
from tunesmith.evaluation.reference_stats import finite
from tunesmith.evaluation.sign_flips import FEWEST_PAIRS
from tunesmith.evaluation.signals import Signals
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, Message, msg

_CAUSES: dict[FindingKind, Message] = {
    "worse": msg("The adapter moved the model away from clips like yours."),
}
_REMEDY: dict[FindingKind, Message] = {
    "worse": msg(
        "Compare an earlier checkpoint, lower the learning rate or the adapter's scale, and listen to the pairs."
    ),
}
_JUDGEMENTS: dict[FindingKind, Message] = {
    "better": msg("closer to your own clips"),
    "worse": msg("a turn for the worse"),
    "same": msg("neither good nor bad by itself"),
}


def judge(run: RunData) -> list[RunFinding]:
    """A finding for each watched signal that moved by a size that matters, beyond chance in all of them together."""
    family = paired_family(run)
    if family is None:
        return [_untold(run.pairs)] if run.pairs else []
    return [
        _finding(run, watched, test)
        for watched, test in family.changes
        if test.told and abs(test.size.estimate) > watched.least
    ]


def _untold(pairs: int) -> RunFinding:
    return RunFinding(
        name="changed",
        kind="unmeasured",
        title=msg("Changes of sound"),
        sentence=msg(
            "Whether the sound changed cannot be told from chance with {pairs} pairs; from {fewest} prompts on it can.",
            pairs=pairs,
            fewest=FEWEST_PAIRS,
        ),
        evidence={"n": pairs, "fewest": FEWEST_PAIRS},
        remedy=msg("Set evaluate.count so that at least {fewest} prompts are compared.", fewest=FEWEST_PAIRS),
    )


def _finding(run: RunData, watched: Watched, test: PairedTest) -> RunFinding:
    base, adapter = (_median(watched, clips) or 0.0 for clips in (run.base or (), run.adapter))
    reference, size = _median(watched, run.clips), test.size
    kind = _kind(watched, size.estimate, base, adapter, reference)
    unit = f" {watched.unit}" if watched.unit else ""
    own_clips = NOTHING if reference is None else msg("; your own clips {own:.3g}{unit}", own=reference, unit=unit)
    return RunFinding(
        name=f"changed_{watched.field}",
        kind=kind,
        title=watched.title,
        sentence=msg(
            "{title} went from {base:.3g} to {adapter:.3g}{unit}, by {difference:+.3g} (95 % interval {low:+.3g} to "
            "{high:+.3g}) over {n} pairs (p = {p_value:.1g}{own_clips}): {judgement}.",
            title=watched.title,
            base=base,
            adapter=adapter,
            unit=unit,
            difference=size.estimate,
            low=size.low,
            high=size.high,
            n=size.n,
            p_value=test.p_value,
            own_clips=own_clips,
            judgement=_JUDGEMENTS[kind],
        ),
        evidence={
            "base": base,
            "adapter": adapter,
            "reference": reference,
            "difference": size.estimate,
            "low": size.low,
            "high": size.high,
            "p_value": test.p_value,
            "n": size.n,
        },
        cause=_CAUSES.get(kind, NOTHING),
        remedy=_REMEDY.get(kind, NOTHING),
    )


def _kind(watched: Watched, difference: float, base: float, adapter: float, reference: float | None) -> FindingKind:
    """Nearer to the person's clips is better; worse is what moved away from them, if not in its good direction."""
    good = watched.bad * difference < 0
    if reference is None:
        return "worse" if watched.bad * difference > 0 else "same"
    gain = abs(base - reference) - abs(adapter - reference)
    if abs(gain) < watched.least / 2 or max(abs(base - reference), abs(adapter - reference)) < watched.least:
        return "same"
    return "better" if gain > 0 else "same" if good else "worse"


def _median(watched: Watched, clips: Sequence[Signals]) -> float | None:
    known = finite([getattr(clip, watched.field) for clip in clips])
    return float(np.median(known)) if len(known) else None

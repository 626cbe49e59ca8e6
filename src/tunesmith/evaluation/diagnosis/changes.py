"""Which signals moved from base to adapter on the same prompts and seeds, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.evaluation.diagnosis.rule import Profile
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.evaluation.paired import Paired, paired
from tunesmith.evaluation.reference_stats import finite
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, Message, msg

_ALPHA = 0.02


@dataclass(frozen=True)
class Watched:
    """A signal worth comparing: title, unit, least change that matters, bad direction (0: neither), and where."""

    field: str
    title: Message
    unit: str
    least: float
    bad: int
    profiles: tuple[Profile, ...] = ("music", "speech")


WATCHED: tuple[Watched, ...] = (
    Watched("lufs", msg("Loudness"), "LUFS", 2.0, 0),
    Watched("fade_slope", msg("Slope of loudness"), "dB/s", 0.3, -1, ("music",)),
    Watched("dead_tail_s", msg("Dead tail"), "s", 1.0, 1),
    Watched("flat_white", msg("Noisiness"), "", 0.08, 1),
    Watched("loop_sim", msg("Self-similarity"), "", 0.1, -1, ("music",)),
    Watched("pulse", msg("Clarity of the beat"), "", 0.15, -1, ("music",)),
    Watched("clip_frac", msg("Clipped share"), "", 0.001, 1),
)

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
    """A finding for each watched signal that moved by a size that matters, with p under 2 % over the pairs."""
    if not run.pairs or run.base is None:
        return []
    findings = []
    for watched in WATCHED:
        if run.profile not in watched.profiles:
            continue
        base = [getattr(clip, watched.field) for clip in run.base]
        adapter = [getattr(clip, watched.field) for clip in run.adapter]
        result = paired(base, adapter)
        if result.n and result.p_value < _ALPHA and abs(result.median_difference) > watched.least:
            medians = float(np.median(finite(base))), float(np.median(finite(adapter)))
            findings.append(_finding(run, watched, result, *medians))
    return findings


def _finding(run: RunData, watched: Watched, result: Paired, base: float, adapter: float) -> RunFinding:
    reference = _median([getattr(clip, watched.field) for clip in run.clips])
    kind = _kind(watched, result.median_difference, base, adapter, reference)
    unit = f" {watched.unit}" if watched.unit else ""
    own_clips = NOTHING if reference is None else msg("; your own clips {own:.3g}{unit}", own=reference, unit=unit)
    return RunFinding(
        name=f"changed_{watched.field}",
        kind=kind,
        title=watched.title,
        sentence=msg(
            "{title} went from {base:.3g} to {adapter:.3g}{unit} ({difference:+.3g} in the median over "
            "{n} pairs, p = {p_value:.1g}{own_clips}): {judgement}.",
            title=watched.title,
            base=base,
            adapter=adapter,
            unit=unit,
            difference=result.median_difference,
            n=result.n,
            p_value=result.p_value,
            own_clips=own_clips,
            judgement=_JUDGEMENTS[kind],
        ),
        evidence={
            "base": base,
            "adapter": adapter,
            "reference": reference,
            "median_difference": result.median_difference,
            "p_value": result.p_value,
            "n": result.n,
        },
        cause=_CAUSES.get(kind, NOTHING),
        remedy=_REMEDY.get(kind, NOTHING),
    )


def _kind(watched: Watched, difference: float, base: float, adapter: float, reference: float | None) -> FindingKind:
    if reference is not None:
        before, after = abs(base - reference), abs(adapter - reference)
        if max(before, after) < watched.least:
            return "same"
        return "better" if after < before else "worse"
    return "worse" if watched.bad * difference > 0 else "same"


def _median(values: list[float]) -> float | None:
    known = finite(values)
    return float(np.median(known)) if len(known) else None

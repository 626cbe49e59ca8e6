"""How many outputs break each rule, beside how many of the base model's and of the person's own clips do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.registry import FILE_RULES
from tunesmith.evaluation.diagnosis.rule import Rule, Verdict
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import FindingKind, RunFinding
from tunesmith.texts import NOTHING, Message, msg

VERDICT_SHARE = 0.25
_ALPHA = 0.05
_AS_OFTEN = 0.8  # the base breaks a rule about as often when its share reaches this part of the adapter's

_BASE_TOO = msg(
    "The base model does the same on these prompts: look at the model's files, the sampling settings "
    "and the length first."
)


def judge(run: RunData) -> list[RunFinding]:
    """One finding for each rule that at least a quarter of the outputs of either model break."""
    findings = []
    for rule in FILE_RULES:
        findings += _excused(rule, run)
        adapter = run.flagged(rule, run.adapter)
        base = None if run.base is None else run.flagged(rule, run.base)
        adapter_share = len(adapter) / max(1, len(run.adapter))
        base_share = math.nan if base is None else len(base) / max(1, len(run.base or ()))
        if adapter and adapter_share >= VERDICT_SHARE:
            findings.append(_flagged(rule, run, adapter, base))
        elif base is not None and base_share >= VERDICT_SHARE and adapter_share < base_share / 2:
            if chance(len(base), len(run.base or ()), len(adapter), len(run.adapter)) > _ALPHA:
                continue
            findings.append(_cured(rule, run, adapter, base or []))
    return findings


def chance(often: int, of: int, seldom: int, among: int) -> float:
    """How likely so many of the one and so few of the other are, if both had the fault as often (Fisher, exact)."""
    from scipy.stats import fisher_exact

    table = [[often, of - often], [seldom, among - seldom]]
    return float(fisher_exact(table, alternative="greater").pvalue)


def _flagged(rule: Rule, run: RunData, adapter: Sequence[Verdict], base: Sequence[Verdict] | None) -> RunFinding:
    count, total = len(adapter), len(run.adapter)
    base_total = len(run.base or ())
    base_too = bool(base) and (
        len(base or ()) / base_total >= _AS_OFTEN * count / total
        or chance(count, total, len(base or ()), base_total) > _ALPHA
    )
    kinds: dict[str, FindingKind] = {"broken": "broken", "flaw": "same" if base_too else "worse", "note": "same"}
    typical = sorted(adapter, key=lambda verdict: verdict.number)[len(adapter) // 2]
    outputs = msg("{flagged} of {total} outputs.", flagged=count, total=total)
    if base is not None:
        outputs = msg(
            "{flagged} of {total} outputs, {base_flagged} of {base_total} from the base model.",
            flagged=count,
            total=total,
            base_flagged=len(base),
            base_total=len(run.base or ()),
        )
    cause, remedy = in_the_data(rule, run, base_too=base_too)
    return RunFinding(
        name=rule.name,
        kind=kinds[rule.severity],
        title=rule.title,
        sentence=msg("{outputs} A typical one: {typical}", outputs=outputs, typical=typical.sentence),
        evidence=_evidence(run, adapter, base),
        cause=cause,
        remedy=_BASE_TOO if base_too and rule.severity != "note" and not cause else remedy,
    )


def in_the_data(rule: Rule, run: RunData, *, base_too: bool) -> tuple[Message, Message]:
    """Whether the clips that were trained on do the same, and what to do: trim or mend them, or look at the model."""
    remedy = rule.advice(run.profile)
    if run.data is None or not rule.checks or not run.data.clips:
        return NOTHING, remedy
    found, clips = run.data.by_checks(*rule.checks), run.data.clips
    if not found and base_too:
        return msg("None of your {clips} training clips does this: it is the model's.", clips=clips), remedy
    count = len(found)
    if count < VERDICT_SHARE * clips:
        return NOTHING, remedy
    worst = found[0]
    return (
        msg(
            "{count} of your {clips} training clips do the same; first of them, {clip}: {said}.",
            count=count,
            clips=clips,
            clip=worst.clip,
            said=worst.message,
        ),
        worst.remedy or remedy,
    )


def _cured(rule: Rule, run: RunData, adapter: Sequence[Verdict], base: Sequence[Verdict]) -> RunFinding:
    base_total, total = len(run.base or ()), len(run.adapter)
    return RunFinding(
        name=rule.name,
        kind="better",
        title=rule.title,
        sentence=msg(
            "Less often than the base model: {adapter} of {total} outputs instead of {base} of {base_total}.",
            adapter=len(adapter),
            total=total,
            base=len(base),
            base_total=base_total,
        ),
        evidence=_evidence(run, adapter, base),
    )


def _excused(rule: Rule, run: RunData) -> list[RunFinding]:
    """Reports that a rule was set aside because the person's own clips break it as well."""
    if run.reference is None or rule.name not in run.reference.common:
        return []
    flagged = len(run.flagged(rule, run.adapter, calibrated=False))
    if flagged < VERDICT_SHARE * len(run.adapter) or not flagged:
        return []
    clips = run.reference.count
    flagged_clips = round(run.reference.common[rule.name] * clips)
    return [
        RunFinding(
            name=rule.name,
            kind="same",
            title=rule.title,
            sentence=msg(
                "Not counted: {flagged} of {adapter} outputs pass the fixed limit, but your own clips measure "
                "the same ({own} of {total}).",
                flagged=flagged,
                adapter=len(run.adapter),
                own=flagged_clips,
                total=clips,
            ),
            evidence={
                "flagged": flagged,
                "outputs": len(run.adapter),
                "own_flagged": flagged_clips,
                "own_clips": clips,
            },
        )
    ]


def _evidence(
    run: RunData, adapter: Sequence[Verdict], base: Sequence[Verdict] | None
) -> dict[str, float | int | None]:
    return {
        "flagged": len(adapter),
        "outputs": len(run.adapter),
        "base_flagged": None if base is None else len(base),
        "base_outputs": None if run.base is None else len(run.base),
        "median": float(np.median([verdict.number for verdict in adapter])) if adapter else None,
        "limit": adapter[0].limit if adapter else None,
    }

"""How many outputs break each rule, beside how many of the base model's and of the person's own clips do."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.diagnosis.registry import FILE_RULES
from tunesmith.evaluation.diagnosis.rule import FindingKind, Rule, Text, Verdict
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding

VERDICT_SHARE = 0.25
_AS_OFTEN = 0.8  # the base breaks a rule about as often when its share reaches this part of the adapter's

_BASE_TOO = Text(
    "The base model does the same on these prompts: look at the "
    "model's files, the sampling settings and the length first.",
    "基础模型在这些提示词上同样如此：请先检查模型文件、采样设置和时长。",
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
        elif base_share >= VERDICT_SHARE and adapter_share < base_share / 2:
            findings.append(_cured(rule, run, adapter, base or []))
    return findings


def _flagged(rule: Rule, run: RunData, adapter: Sequence[Verdict], base: Sequence[Verdict] | None) -> RunFinding:
    count, total = len(adapter), len(run.adapter)
    base_too = base is not None and len(base) / max(1, len(run.base or ())) >= _AS_OFTEN * count / total
    kinds: dict[str, FindingKind] = {"broken": "broken", "flaw": "same" if base_too else "worse", "note": "same"}
    typical = sorted(adapter, key=lambda verdict: verdict.number)[len(adapter) // 2]
    en, zh = f"{count} of {total} outputs. ", f"{total} 个输出中有 {count} 个。"
    if base is not None:
        en = f"{count} of {total} outputs, {len(base)} of {len(run.base or ())} from the base model. "
        zh = f"{total} 个输出中有 {count} 个，基础模型 {len(run.base or ())} 个中有 {len(base)} 个。"
    causes, remedy = rule.advice(run.profile)
    return RunFinding(
        rule=rule.name,
        kind=kinds[rule.severity],
        title=rule.title,
        sentence=Text(f"{en}A typical one: {typical.sentence.en}", f"{zh}典型的一个：{typical.sentence.zh}"),
        evidence=_evidence(run, adapter, base),
        causes=causes,
        remedy=_BASE_TOO if base_too and rule.severity != "note" else remedy,
    )


def _cured(rule: Rule, run: RunData, adapter: Sequence[Verdict], base: Sequence[Verdict]) -> RunFinding:
    base_total, total = len(run.base or ()), len(run.adapter)
    return RunFinding(
        rule=rule.name,
        kind="better",
        title=rule.title,
        sentence=Text(
            f"Less often than the base model: {len(adapter)} of "
            f"{total} outputs instead of {len(base)} of {base_total}.",
            f"比基础模型少：{total} 个输出中有 {len(adapter)} 个，基础模型 {base_total} 个中有 {len(base)} 个。",
        ),
        evidence=_evidence(run, adapter, base),
    )


def _excused(rule: Rule, run: RunData) -> list[RunFinding]:
    """Says aloud that a rule was set aside because the person's own clips break it as well."""
    if run.reference is None or rule.name not in run.reference.common:
        return []
    flagged = len(run.flagged(rule, run.adapter, calibrated=False))
    if flagged < VERDICT_SHARE * len(run.adapter) or not flagged:
        return []
    own, total = round(run.reference.common[rule.name] * run.reference.count), run.reference.count
    return [
        RunFinding(
            rule=rule.name,
            kind="same",
            title=rule.title,
            sentence=Text(
                f"Not counted: {flagged} of {len(run.adapter)} outputs "
                "pass the fixed limit, but your own clips measure "
                f"the same ({own} of {total}).",
                f"不计入：{len(run.adapter)} 个输出中有 {flagged} 个超过固定限值，"
                f"但您自己的片段测得的结果相同（{total} 个中有 {own} 个）。",
            ),
            evidence={"flagged": flagged, "outputs": len(run.adapter), "own_flagged": own, "own_clips": total},
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

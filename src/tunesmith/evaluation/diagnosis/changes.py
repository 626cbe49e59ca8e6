"""Which signals moved from base to adapter on the same prompts and seeds, beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.evaluation.diagnosis.rule import NOTHING, FindingKind, Profile, Text
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding
from tunesmith.evaluation.paired import Paired, paired
from tunesmith.evaluation.reference_stats import finite

_ALPHA = 0.02


@dataclass(frozen=True)
class Watched:
    """A signal worth comparing: title, unit, least change that matters, bad direction (0: neither), and where."""

    field: str
    title: Text
    unit: str
    least: float
    bad: int
    profiles: tuple[Profile, ...] = ("music", "speech")


WATCHED: tuple[Watched, ...] = (
    Watched("lufs", Text("Loudness", "响度"), "LUFS", 2.0, 0),
    Watched("fade_slope", Text("Slope of loudness", "响度斜率"), "dB/s", 0.3, -1, ("music",)),
    Watched("dead_tail_s", Text("Dead tail", "末尾静默"), "s", 1.0, 1),
    Watched("flat_white", Text("Noisiness", "噪声程度"), "", 0.08, 1),
    Watched("loop_sim", Text("Self-similarity", "自相似度"), "", 0.1, -1, ("music",)),
    Watched("pulse", Text("Clarity of the beat", "节拍清晰度"), "", 0.15, -1, ("music",)),
    Watched("clip_frac", Text("Clipped share", "削波占比"), "", 0.001, 1),
)

_CAUSES = {
    "worse": Text(
        "The adapter moved the model away from clips like yours.", "适配器使模型偏离了与您的片段相似的声音。"
    ),
}
_REMEDY = {
    "worse": Text(
        "Compare an earlier checkpoint, lower the learning rate or the adapter's scale, and listen to the pairs.",
        "比较更早的检查点，降低学习率或适配器缩放，并逐对试听。",
    ),
}
_WORDS = {
    "better": Text("closer to your own clips", "更接近您自己的片段"),
    "worse": Text("a turn for the worse", "变差"),
    "same": Text("neither good nor bad by itself", "本身无好坏之分"),
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
    own = _median([getattr(clip, watched.field) for clip in run.clips])
    kind = _kind(watched, result.median_difference, base, adapter, own)
    unit = f" {watched.unit}" if watched.unit else ""
    own_en = "" if own is None else f"; your own clips {own:.3g}{unit}"
    own_zh = "" if own is None else f"；您自己的片段为 {own:.3g}{unit}"
    return RunFinding(
        rule=f"changed_{watched.field}",
        kind=kind,
        title=watched.title,
        sentence=Text(
            f"{watched.title.en} went from {base:.3g} to {adapter:.3g}{unit} ({result.median_difference:+.3g} in the "
            f"median over {result.n} pairs, p = {result.p_value:.1g}{own_en}): {_WORDS[kind].en}.",
            f"{watched.title.zh}从 {base:.3g} 变为 {adapter:.3g}{unit}（{result.n} 对的中位变化 "
            f"{result.median_difference:+.3g}，p = {result.p_value:.1g}{own_zh}）：{_WORDS[kind].zh}。",
        ),
        evidence={
            "base": base,
            "adapter": adapter,
            "reference": own,
            "median_difference": result.median_difference,
            "p_value": result.p_value,
            "n": result.n,
        },
        causes=_CAUSES.get(kind, NOTHING),
        remedy=_REMEDY.get(kind, NOTHING),
    )


def _kind(watched: Watched, difference: float, base: float, adapter: float, own: float | None) -> FindingKind:
    if own is not None:
        before, after = abs(base - own), abs(adapter - own)
        if max(before, after) < watched.least:
            return "same"
        return "better" if after < before else "worse"
    return "worse" if watched.bad * difference > 0 else "same"


def _median(values: list[float]) -> float | None:
    known = finite(values)
    return float(np.median(known)) if len(known) else None

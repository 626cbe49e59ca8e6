"""The one number that cannot be argued with: loss on clips that were not trained on."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.rule import NOTHING, FindingKind, Text
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding

_LEAST_CHANGE = 0.005  # half a per cent: under it, another draw of held-out clips would turn the sign
_TITLE = Text("Held-out loss", "留出损失")


def judge(run: RunData) -> list[RunFinding]:
    """Held-out loss of both models on the same batches: better, the same, worse, or not a number."""
    losses = run.losses
    if losses is None or losses.base_heldout is None or losses.adapter_heldout is None:
        return []
    base, adapter = losses.base_heldout, losses.adapter_heldout
    change = (adapter - base) / base if base else math.nan
    kind = _kind(change, adapter)
    overfitted = kind == "worse" and losses.adapter_train is not None and losses.adapter_train < base
    words = {
        "better": Text("it learnt your clips", "学到了您的片段"),
        "same": Text("hardly any change", "几乎没有变化"),
        "worse": Text("it predicts your clips worse than before", "对您的片段预测得比以前更差"),
        "broken": Text("not a number", "不是有效数值"),
    }[kind]
    percent = f"{100 * change:+.1f}"
    number_en, number_zh = (f"{percent} %, ", f"{percent}%，") if math.isfinite(change) else ("", "")
    clips_en = f", {losses.heldout_clips} clips" if losses.heldout_clips else ""
    clips_zh = f"，{losses.heldout_clips} 个片段" if losses.heldout_clips else ""
    causes, remedy = _advice(kind, overfitted)
    return [
        RunFinding(
            rule="heldout_loss",
            kind=kind,
            title=_TITLE,
            sentence=Text(
                f"Held-out loss went from {base:.3f} to {adapter:.3f} ({number_en}limit ±0.5 %{clips_en}): {words.en}.",
                f"留出损失从 {base:.3f} 变为 {adapter:.3f}（{number_zh}限值 ±0.5%{clips_zh}）：{words.zh}。",
            ),
            evidence={
                "base": base,
                "adapter": adapter,
                "change": change,
                "limit": _LEAST_CHANGE,
                "train": losses.adapter_train,
                "clips": losses.heldout_clips,
            },
            causes=causes,
            remedy=remedy,
        )
    ]


def _kind(change: float, adapter: float) -> FindingKind:
    if not math.isfinite(adapter):
        return "broken"
    if change < -_LEAST_CHANGE:
        return "better"
    return "worse" if change > _LEAST_CHANGE else "same"


def _advice(kind: FindingKind, overfitted: bool) -> tuple[Text, Text]:
    if kind == "better":
        return NOTHING, NOTHING
    if kind == "same":
        return (
            Text(
                "Too few steps, too low a learning rate, or clips that the base model knows already.",
                "步数太少、学习率太低，或基础模型本就熟悉这类片段。",
            ),
            Text(
                "Train two to four times as long, or with three times the learning rate.",
                "训练时间延长到二至四倍，或把学习率提高到三倍。",
            ),
        )
    if overfitted:
        return (
            Text(
                "Overfitted: the training clips fit better while the held-out ones fit worse.",
                "过拟合：训练片段拟合更好，留出片段却更差。",
            ),
            Text(
                "Stop earlier (take the best checkpoint), lower the rank, or add clips.",
                "提前停止（使用最佳检查点）、降低秩，或增加片段。",
            ),
        )
    return (
        Text(
            "Learning rate too high, wrong labels, or held-out clips unlike the training clips.",
            "学习率过高、标签有误，或留出片段与训练片段差异过大。",
        ),
        Text(
            "Train with a third of the learning rate, and see whether the loss falls in the first steps.",
            "以三分之一的学习率训练，并观察最初几步损失是否下降。",
        ),
    )

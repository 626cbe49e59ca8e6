"""What the model could do before, and whether it still can."""

from __future__ import annotations

import math

from tunesmith.evaluation.diagnosis.rule import NOTHING, FindingKind, Text
from tunesmith.evaluation.diagnosis.run_finding import RunData, RunFinding

_MOST = 0.02
_TITLE = Text("Other styles", "其他风格")


def judge(run: RunData) -> list[RunFinding]:
    """Loss on material in the base model's own style: over 2 % up is forgetting."""
    losses = run.losses
    if losses is None or losses.base_forgetting is None or losses.adapter_forgetting is None:
        return []
    base, adapter = losses.base_forgetting, losses.adapter_forgetting
    change = (adapter - base) / base if base else math.nan
    forgot = not change <= _MOST
    kind: FindingKind = "broken" if not math.isfinite(adapter) else "worse" if forgot else "same"
    words = Text("the model forgets them", "模型正在遗忘它们") if forgot else Text("they are kept", "得以保留")
    return [
        RunFinding(
            rule="forgetting",
            kind=kind,
            title=_TITLE,
            sentence=Text(
                f"Loss on styles outside your clips went from {base:.3f} to {adapter:.3f} "
                f"({100 * change:+.1f} %, limit +2 %): {words.en}.",
                f"您的片段之外的风格，损失从 {base:.3f} 变为 {adapter:.3f} 奈特"
                f"（{100 * change:+.1f}%，限值 +2%）：{words.zh}。",
            ),
            evidence={"base": base, "adapter": adapter, "change": change, "limit": _MOST},
            causes=_CAUSES if forgot else NOTHING,
            remedy=_REMEDY if forgot else NOTHING,
        )
    ]


_CAUSES = Text(
    "A high learning rate, a high rank or many epochs on one style.", "学习率高、秩高，或在单一风格上训练轮数过多。"
)
_REMEDY = Text(
    "If you want other styles too: use the adapter at scale "
    "0.6-0.8, stop earlier, lower the rank, or mix in other clips.",
    "若还需要其他风格：把适配器缩放设为 0.6–0.8、提前停止、降低秩，或混入其他片段。",
)

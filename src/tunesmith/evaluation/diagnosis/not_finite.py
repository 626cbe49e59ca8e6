"""The audio holds values that are no numbers."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals


def look(signals: Signals, context: Context) -> Reading | None:
    """Any NaN or infinite sample."""
    if signals.nonfinite <= 0:
        return None
    share = 100 * signals.nonfinite
    text = Text(
        f"{share:.3g} % of the samples are NaN or infinite (limit 0).",
        f"{share:.3g}% 的采样为 NaN 或无穷大（限值 0）。",
    )
    return Reading(share, 0.0, "%", text)


RULE = Rule(
    name="not_finite",
    severity="broken",
    title=Text("Broken numbers", "数值损坏"),
    causes=Text("Half-precision overflow, or weights that became non-finite.", "半精度溢出，或权重变成了非有限值。"),
    remedy=Text(
        "Generate in float32; if it stays, take an earlier checkpoint.",
        "改用 float32 生成；若仍出现，请改用更早的检查点。",
    ),
    look=look,
)

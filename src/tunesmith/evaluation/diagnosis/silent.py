"""The clip is silent, or silent for most of its length."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_QUIETEST_LUFS = -50.0
_MOST_SILENCE = 0.5


def look(signals: Signals, context: Context) -> Reading | None:
    """Loudness under -50 LUFS, or more than half of the clip under -60 LUFS."""
    if not signals.live:
        text = Text(
            f"Loudness is {signals.lufs:.0f} LUFS (limit {_QUIETEST_LUFS:.0f}).",
            f"响度仅 {signals.lufs:.0f} LUFS（限值 {_QUIETEST_LUFS:.0f}）。",
        )
        return Reading(signals.lufs, _QUIETEST_LUFS, "LUFS", text)
    if signals.silence_ratio > _MOST_SILENCE:
        share = 100 * signals.silence_ratio
        text = Text(f"{share:.0f} % of the clip is silent (limit 50 %).", f"片段有 {share:.0f}% 为静音（限值 50%）。")
        return Reading(share, 100 * _MOST_SILENCE, "%", text)
    return None


RULE = Rule(
    name="silent",
    severity="broken",
    title=Text("Silent", "静音"),
    causes=Text(
        "Padding or silence was trained as a target, the adapter's scale touches parts it should not, or the weights "
        "hold non-finite values.",
        "把填充或静音当作训练目标、适配器缩放作用到了不该作用的部分，或权重中有非有限值。",
    ),
    remedy=Text(
        "Generate with adapter scale 0: if sound returns, lower the learning rate and look at the silent share of the "
        "labels; if not, the base model or the decoder is at fault.",
        "以适配器缩放 0 生成：若恢复有声，请降低学习率并检查标签中的静音占比；若仍无声，则问题在基础模型或解码器。",
    ),
    look=look,
)

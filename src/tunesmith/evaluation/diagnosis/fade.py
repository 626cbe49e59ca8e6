"""The clip sinks towards silence instead of ending where it was cut."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

DROP_DB = 6.0
_SLOPE_DB_PER_S = -0.5
_TAU = -0.6
_SHORTEST_S = 3.0  # below it a fade and a single decaying note are the same thing


def look(signals: Signals, context: Context) -> Reading | None:
    """First to last third loses over 6 dB, at over 0.5 dB/s, and most later seconds are quieter than earlier ones."""
    if not signals.live or signals.duration_s < _SHORTEST_S:
        return None
    falling = signals.fade_tau < _TAU and signals.fade_slope < _SLOPE_DB_PER_S
    text = Text(
        f"Loudness falls by {signals.fade_drop3:.1f} dB from the first to the last third (limit {DROP_DB:.0f} dB), "
        f"at {-signals.fade_slope:.2f} dB per second.",
        f"从前三分之一到后三分之一，响度下降 {signals.fade_drop3:.1f} dB（限值 {DROP_DB:.0f} dB），"
        f"每秒下降 {-signals.fade_slope:.2f} dB。",
    )
    z = context.z(signals, fade_slope=-1, fade_drop3=1)
    return Reading(signals.fade_drop3, DROP_DB, "dB", text, absolute=falling and signals.fade_drop3 > DROP_DB, z=z)


RULE = Rule(
    name="fade",
    severity="broken",
    title=Text("Fades out", "逐渐淡出"),
    causes=Text(
        "Clips padded with silence to a fixed length, so that silence was learnt as music; endings of songs "
        "over-represented in the data; an adapter scale that weakens attention.",
        "片段被静音补到固定长度，模型把静音当音乐学了；数据中歌曲结尾过多；适配器缩放削弱了注意力。",
    ),
    remedy=Text(
        "Mask the padding, crop inside songs instead of at their ends, look at the silent share of the labels, then "
        "train again; generate once with adapter scale 0 to see whether the base model fades too.",
        "屏蔽填充部分，从歌曲中间而非结尾截取，检查标签静音占比后重新训练；"
        "再以适配器缩放 0 生成一次，看基础模型是否也淡出。",
    ),
    look=look,
    speech=(
        Text(
            "Recordings that trail off or end in silence, or a flow decoder trained on padded frames.",
            "录音末尾渐弱或以静音结束，或流解码器学到了填充帧。",
        ),
        Text(
            "Trim the ends of the recordings, bring them to one level, and train again; generate once with adapter "
            "scale 0 to see whether the base model fades too.",
            "剪掉录音末尾、统一响度后重新训练；再以适配器缩放 0 生成一次，看基础模型是否也渐弱。",
        ),
    ),
)

"""The waveform is not centred on zero."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_MOST = 0.01
_MOST_RATIO = 0.05


def look(signals: Signals, context: Context) -> Reading | None:
    """A channel's mean over 0.01 of full scale and over 5 % of the RMS."""
    if not signals.live:
        return None
    z = context.z(signals, dc=1)
    if signals.dc_ratio <= _MOST_RATIO:  # loud clips have larger means by chance
        z = None
    text = Text(
        f"The mean is {signals.dc:.3f} of full scale (limit {_MOST}), {100 * signals.dc_ratio:.0f} % of the level.",
        f"均值为满量程的 {signals.dc:.3f}（限值 {_MOST}），占电平的 {100 * signals.dc_ratio:.0f}%。",
    )
    return Reading(signals.dc, _MOST, "", text, absolute=signals.dc > _MOST and signals.dc_ratio > _MOST_RATIO, z=z)


RULE = Rule(
    name="dc_offset",
    severity="flaw",
    title=Text("DC offset", "直流偏移"),
    causes=Text(
        "Synthesised or recorded clips with an offset in the training data, or a codec that does not keep zero.",
        "训练数据中的合成或录音片段带有偏移，或编解码器不能保持零点。",
    ),
    remedy=Text("High-pass the training clips at 20 Hz.", "对训练片段做 20 Hz 高通滤波。"),
    look=look,
)

"""Peaks cut off flat."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_MOST_CLIPPED = 0.003
_MOST_PILED = 40.0


def look(signals: Signals, context: Context) -> Reading | None:
    """More than 0.3 % of the samples sit in flat runs at the peak, or amplitudes pile up just under it."""
    if not signals.live:
        return None
    share = 100 * signals.clip_frac
    z = context.z(signals, clip_frac=1)
    absolute = signals.clip_frac > _MOST_CLIPPED or signals.peak_bin_ratio > _MOST_PILED
    text = Text(
        f"{share:.2f} % of the samples are cut off at the peak (limit 0.3 %); the top of the range is "
        f"{signals.peak_bin_ratio:.0f} times fuller than what lies under it (limit 40).",
        f"{share:.2f}% 的采样在峰值处被削平（限值 0.3%）；最高幅度区的采样数是其下方的 "
        f"{signals.peak_bin_ratio:.0f} 倍（限值 40）。",
    )
    return Reading(share, 100 * _MOST_CLIPPED, "%", text, absolute=absolute, z=z)


RULE = Rule(
    name="clipping",
    severity="flaw",
    title=Text("Clipped", "削波"),
    causes=Text(
        "Training clips that are clipped themselves, or a decoder output written without headroom.",
        "训练片段本身就有削波，或解码输出写盘时没有留余量。",
    ),
    remedy=Text(
        "Replace clipped sources, and normalise training clips to about -16 LUFS with peaks under -1 dB.",
        "替换有削波的素材，并把训练片段归一化到约 -16 LUFS、峰值低于 -1 dB。",
    ),
    look=look,
)

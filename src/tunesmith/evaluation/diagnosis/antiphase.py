"""Two channels that cancel each other out."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_LEAST_CORRELATION = -0.9


def look(signals: Signals, context: Context) -> Reading | None:
    """Left-right correlation under -0.9: the clip vanishes on a mono speaker."""
    if not signals.live or not signals.stereo_corr < _LEAST_CORRELATION:
        return None
    text = Text(
        f"The channels cancel out: correlation {signals.stereo_corr:.2f} (limit {_LEAST_CORRELATION}).",
        f"两个声道相互抵消：相关系数 {signals.stereo_corr:.2f}（限值 {_LEAST_CORRELATION}）。",
    )
    return Reading(signals.stereo_corr, _LEAST_CORRELATION, "", text)


RULE = Rule(
    name="antiphase",
    severity="flaw",
    title=Text("Channels cancel out", "声道反相"),
    causes=Text(
        "Clips with one inverted channel, or swapped channel order in the codes.",
        "片段有一个声道反相，或编码中的声道顺序颠倒。",
    ),
    remedy=Text(
        "Invert one channel of such training clips, or mix them down to mono.",
        "把这类训练片段的一个声道反相，或混为单声道。",
    ),
    look=look,
)

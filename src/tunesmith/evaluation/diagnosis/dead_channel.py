"""One of two channels is (nearly) empty."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_MOST_DIFFERENCE_DB = 25.0


def look(signals: Signals, context: Context) -> Reading | None:
    """One channel more than 25 dB under the other."""
    if not signals.live or not signals.lr_diff_db > _MOST_DIFFERENCE_DB:
        return None
    text = Text(
        f"One channel is {signals.lr_diff_db:.0f} dB quieter than the other (limit 25 dB).",
        f"一个声道比另一个低 {signals.lr_diff_db:.0f} dB（限值 25 dB）。",
    )
    return Reading(signals.lr_diff_db, _MOST_DIFFERENCE_DB, "dB", text)


RULE = Rule(
    name="dead_channel",
    severity="flaw",
    title=Text("Dead channel", "声道失效"),
    causes=Text(
        "Recordings with only one channel, or a stereo decoder fed with one channel's codes.",
        "素材只有一个声道有声，或立体声解码器只得到一个声道的编码。",
    ),
    remedy=Text("Mix such training clips down to mono, or remove them.", "把这类训练片段混为单声道，或将其移除。"),
    look=look,
)

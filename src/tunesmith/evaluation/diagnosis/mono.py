"""Two channels that are one: stereo in name only."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_LEAST_SIDE_DB = -60.0


def look(signals: Signals, context: Context) -> Reading | None:
    """Side more than 60 dB under mid."""
    if not signals.live or not signals.side_mid_db < _LEAST_SIDE_DB:
        return None
    text = Text(
        f"Both channels are the same: what differs is {-signals.side_mid_db:.0f} dB lower (limit 60 dB).",
        f"两个声道相同：差异部分低 {-signals.side_mid_db:.0f} dB（限值 60 dB）。",
    )
    return Reading(signals.side_mid_db, _LEAST_SIDE_DB, "dB", text)


RULE = Rule(
    name="mono",
    severity="note",
    title=Text("Mono in two channels", "双声道单声"),
    causes=Text("A mono model or mono training clips.", "单声道模型或单声道训练片段。"),
    remedy=Text(
        "Nothing, if a mono model was meant; else use a stereo checkpoint and stereo clips.",
        "若本就使用单声道模型则无需处理；否则请使用立体声检查点和立体声片段。",
    ),
    look=look,
)

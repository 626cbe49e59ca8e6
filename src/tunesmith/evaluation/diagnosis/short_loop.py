"""The decoder repeats one short segment, note for note."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis import drone
from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals

_MOST_REPEATED = 0.4
_SHORTEST_S = 4.0


def look(signals: Signals, context: Context) -> Reading | None:
    """Over 40 % of the seconds equal the sound at most 1.3 s earlier; longer loops are how much music is made."""
    if not signals.live or signals.duration_s < _SHORTEST_S or drone.look(signals, context):
        return None
    if not signals.repeat_share > _MOST_REPEATED:
        return None
    share = 100 * signals.repeat_share
    text = Text(
        f"{share:.0f} % of the clip repeats the {signals.repeat_lag_s:.2f} s before it exactly (limit 40 %).",
        f"片段有 {share:.0f}% 与前 {signals.repeat_lag_s:.2f} 秒完全相同（限值 40%）。",
    )
    return Reading(share, 100 * _MOST_REPEATED, "%", text)


RULE = Rule(
    name="short_loop",
    severity="broken",
    title=Text("Stuck in a loop", "陷入循环"),
    causes=Text(
        "Sampling too cold, an over- or under-trained adapter, or too few different clips.",
        "采样温度过低、适配器训练过度或不足，或不同的片段太少。",
    ),
    remedy=Text(
        "Raise temperature or top-k, try an earlier and a later checkpoint, and add different clips.",
        "提高温度或 top-k，分别试试更早和更晚的检查点，并增加不同的片段。",
    ),
    look=look,
)

"""Two channels that are one: stereo in name only."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LEAST_SIDE_DB = -60.0


def detect(signals: Signals) -> Reading | None:
    """Side more than 60 dB under mid."""
    if not signals.live or not signals.side_mid_db < _LEAST_SIDE_DB:
        return None
    text = msg(
        "Both channels are the same: what differs is {side_mid_db:.0f} dB lower (limit 60 dB).",
        side_mid_db=-signals.side_mid_db,
    )
    return Reading(signals.side_mid_db, _LEAST_SIDE_DB, "dB", text)


RULE = Rule(
    name="mono",
    severity="note",
    title=msg("Mono in two channels"),
    remedy=msg("Nothing, if a mono model was meant; else use a stereo checkpoint and stereo clips."),
    detect=by_signals(detect),
    checks=("identical_channels",),
)

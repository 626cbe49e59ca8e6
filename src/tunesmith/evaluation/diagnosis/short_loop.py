"""The decoder repeats one short segment, exactly or nearly so."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis import drone
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_REPEATED = 0.3
_SHORTEST_S = 3.0


def detect(signals: Signals) -> Reading | None:
    """Over 30 % of the seconds follow the sound at most 1.3 s earlier; longer loops are how much music is made."""
    if not signals.live or signals.duration_s < _SHORTEST_S or drone.detect(signals):
        return None
    if not signals.repeat_share > _MOST_REPEATED:
        return None
    share = 100 * signals.repeat_share
    text = msg(
        "{share:.0f} % of the clip repeats the {repeat_lag_s:.2f} s before it (limit 30 %).",
        share=share,
        repeat_lag_s=signals.repeat_lag_s,
    )
    return Reading(share, 100 * _MOST_REPEATED, "%", text)


RULE = Rule(
    name="short_loop",
    severity="broken",
    title=msg("Stuck in a loop"),
    remedy=msg("Raise temperature or top-k, and compare an earlier checkpoint."),
    detect=by_signals(detect),
)

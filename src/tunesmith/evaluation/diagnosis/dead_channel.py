"""One of two channels is (nearly) empty."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_DIFFERENCE_DB = 25.0


def detect(signals: Signals) -> Reading | None:
    """One channel more than 25 dB under the other."""
    if not signals.live or not signals.lr_diff_db > _MOST_DIFFERENCE_DB:
        return None
    text = msg(
        "One channel is {lr_diff_db:.0f} dB quieter than the other (limit 25 dB).", lr_diff_db=signals.lr_diff_db
    )
    return Reading(signals.lr_diff_db, _MOST_DIFFERENCE_DB, "dB", text)


RULE = Rule(
    name="dead_channel",
    severity="flaw",
    title=msg("Dead channel"),
    remedy=msg("Mix the outputs down to mono."),
    detect=by_signals(detect),
    checks=("dead_channel",),
)

"""A short piece comes several times in a row, as from a skipping disc."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis import drone, short_loop
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_LONGEST_S = 0.3


def detect(signals: Signals) -> Reading | None:
    """Over 0.3 s of pieces of 40-250 ms that come four times or more; a clip that loops or drones is called so."""
    if not signals.live or not signals.stutter_s > _LONGEST_S or drone.detect(signals) or short_loop.detect(signals):
        return None
    text = msg(
        "It stutters for {stutter_s:.1f} s: a piece of under a quarter second comes four times or more (limit "
        "{limit} s).",
        stutter_s=signals.stutter_s,
        limit=_LONGEST_S,
    )
    return Reading(signals.stutter_s, _LONGEST_S, "s", text)


RULE = Rule(
    name="stutter",
    severity="flaw",
    title=msg("Stutters"),
    remedy=msg("Raise temperature or top-k, and try an earlier checkpoint."),
    detect=by_signals(detect),
)

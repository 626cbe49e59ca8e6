"""The sound stands still for a long time in the middle of the clip: a spectrum that froze, one token over and over."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis import drone, short_loop
from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST_HELD = 0.3
_SHORTEST_S = 1.6  # a held chord
_MOST_NOISE = 0.2  # of the windows; steady noise stands still as well, and has a rule of its own


def detect(signals: Signals) -> Reading | None:
    """Over 30 % of the clip in one piece in which no half second differs from the next.

    Noise, loops and drones have rules of their own.
    """
    if not signals.live or not signals.held_s > max(_SHORTEST_S, _MOST_HELD * signals.duration_s):
        return None
    if signals.noise_share > _MOST_NOISE or drone.detect(signals) or short_loop.detect(signals):
        return None
    limit = max(_SHORTEST_S, _MOST_HELD * signals.duration_s)
    text = msg(
        "One sound is held for {held_s:.1f} s of {duration_s:.1f} (limit {limit:.1f} s).",
        held_s=signals.held_s,
        duration_s=signals.duration_s,
        limit=limit,
    )
    return Reading(signals.held_s, limit, "s", text)


RULE = Rule(
    name="frozen",
    severity="broken",
    title=msg("Stands still"),
    remedy=msg("Sample with temperature 1 and top-k 250; if it stays, take an earlier checkpoint."),
    detect=by_signals(detect),
    speech_remedy=msg(
        "Generate with adapter scale 0: if the base model stands still too, its weights were loaded wrongly; else take "
        "an earlier checkpoint."
    ),
)

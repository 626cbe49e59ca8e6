"""Holes in the sound."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.texts import msg

_MOST = 1
_MOST_IN_SPEECH = 3  # a stop consonant of a synthesiser's can end and begin as hard, once in a while


def detect(signals: Signals, context: Context) -> Reading | None:
    """More than one hole with two hard edges, in speech more than three."""
    most = _MOST_IN_SPEECH if context.profile == "speech" else _MOST
    if not signals.live or not signals.dropouts > most:
        return None
    text = msg(
        "The sound breaks off and comes back within milliseconds {dropouts:.0f} times (limit {limit}).",
        dropouts=signals.dropouts,
        limit=most,
    )
    return Reading(signals.dropouts, most, "", text)


RULE = Rule(
    name="dropouts",
    severity="flaw",
    title=msg("Dropouts"),
    remedy=msg(
        "Look for the same holes in your clips (tunesmith check); if they have none, try an earlier checkpoint."
    ),
    detect=detect,
    checks=("dropout",),
)

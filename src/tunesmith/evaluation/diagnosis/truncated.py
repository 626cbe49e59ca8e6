"""The speech is cut off before its end."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

_LEAST_OF_EXPECTED = 0.93
_LOUDEST_END_DB = -35.0


def detect(signals: Signals) -> Reading | None:
    """Sound at the very end within 35 dB of the voice, and less speech than the text should take."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if not (signals.duration_ratio < _LEAST_OF_EXPECTED and signals.end_db > _LOUDEST_END_DB):
        return None
    share, least = 100 * signals.duration_ratio, 100 * _LEAST_OF_EXPECTED
    text = msg(
        "It breaks off in the middle of a sound after {share:.0f} % of what this text should take (limit "
        "{limit:.0f} %).",
        share=share,
        limit=least,
    )
    return Reading(share, least, "%", text)


RULE = Rule(
    name="truncated",
    severity="flaw",
    title=msg("Cut off"),
    remedy=msg(
        "Raise the limit on tokens; if that is not reached, see that every target ends with the end token, after "
        "its last word."
    ),
    detect=by_signals(detect),
    profiles=("speech",),
)

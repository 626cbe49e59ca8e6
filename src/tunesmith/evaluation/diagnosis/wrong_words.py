"""Whisper hears something else than the text."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

_MOST_WRONG = 0.3


def detect(signals: Signals, context: Context) -> Reading | None:
    """Over 30 % of the words or characters wrong, or far more than in the true recordings."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    share = 100 * signals.error_rate
    text = msg(
        "{share:.0f} % of the words or characters were heard wrongly (limit {limit:.0f} %).",
        share=share,
        limit=100 * _MOST_WRONG,
    )
    off = context.off(signals, error_rate=1)
    return Reading(share, 100 * _MOST_WRONG, "%", text, absolute=signals.error_rate > _MOST_WRONG, off=off)


RULE = Rule(
    name="wrong_words",
    severity="flaw",
    title=msg("Wrong words"),
    remedy=msg(
        "Look at the error rate of the true recordings first: if it is as high, the transcriber is at "
        "fault; else compare an earlier checkpoint."
    ),
    detect=detect,
    profiles=("speech",),
)

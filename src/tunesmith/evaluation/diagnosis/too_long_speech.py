"""Far more speech than the text asks for: repeats, babble, or an end that was not found."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

_MOST_OF_TRUE, _MOST_BY_RATE = 1.5, 1.8  # espeak-ng's good sentences reach 1.15 and 1.45


def detect(signals: Signals) -> Reading | None:
    """Half as much again as the true recording, or 1.8 times what the prompt's speaking rate makes expect."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    limit = _MOST_OF_TRUE if signals.target_known else _MOST_BY_RATE
    if not signals.duration_ratio > limit:
        return None
    share, most = 100 * signals.duration_ratio, 100 * limit
    text = msg(
        "Speech lasts {share:.0f} % of what this text should take (limit {limit:.0f} %).", share=share, limit=most
    )
    return Reading(share, most, "%", text)


RULE = Rule(
    name="too_long_speech",
    severity="flaw",
    title=msg("Too much speech"),
    remedy=msg("Listen to what is said beyond the text, and compare an earlier checkpoint."),
    detect=by_signals(detect),
    profiles=("speech",),
)

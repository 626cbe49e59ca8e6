"""A stretch of the text is said twice."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

_MOST_AGAIN = 3
_LONGEST_S = 1.4  # phrases of the same words reach 1.26 s by chance


def detect(signals: Signals) -> Reading | None:
    """Three words or characters in a row that Whisper heard again, or over 1.4 s of speech that sound alike."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if signals.said_again >= _MOST_AGAIN:
        text = msg(
            "{said_again:.0f} words or characters in a row were heard twice, and the text has them once (limit "
            "{limit}).",
            said_again=signals.said_again,
            limit=_MOST_AGAIN,
        )
        return Reading(signals.said_again, _MOST_AGAIN, "", text)
    if not signals.said_again_s > _LONGEST_S:
        return None
    text = msg(
        "{said_again_s:.1f} s of speech come a second time, sound for sound (limit {limit:.2f} s).",
        said_again_s=signals.said_again_s,
        limit=_LONGEST_S,
    )
    return Reading(signals.said_again_s, _LONGEST_S, "s", text)


RULE = Rule(
    name="repeated_clause",
    severity="flaw",
    title=msg("Said twice"),
    remedy=msg(
        "Look for recordings that say a phrase twice while their transcripts do not, and try an earlier checkpoint."
    ),
    detect=by_signals(detect),
    profiles=("speech",),
)

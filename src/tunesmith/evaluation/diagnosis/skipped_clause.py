"""Words of the text are missing: far too little speech for it, or a stretch that nobody heard."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Reading, Rule, by_signals
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals
from tunesmith.texts import msg

# Share of the expected speech: alone, and where there are fewer stretches of speech than the text has clauses.
# On espeak-ng in English and Mandarin, read up to 15 % faster or slower than expected, one clause dropped of two, three
# and four is found in 100, 97 and 81 % (against the true recording) or 93, 62 and 47 % (against the prompt's rate), and
# no whole text is flagged. People vary more than a synthesiser does, so nothing tighter is claimed.
_LEAST_OF_TRUE, _LEAST_OF_TRUE_SHORT_OF_CLAUSES = 0.65, 0.8
_LEAST_BY_RATE, _LEAST_BY_RATE_SHORT_OF_CLAUSES = 0.55, 0.7
_MOST_LEFT_OUT = 5
_MOST_MISHEARD = 0.1
# Said 1.5 times as fast, 72-95 % of the syllables are still counted in 67-72 % of the time; of half a text, 36-57 %.
_LEAST_SYLLABLES, _SYLLABLES_OVER_TIME = 0.7, 1.08
_MOST_WRONG = 0.75  # where hardly a word was heard rightly, Whisper heard something else: nothing was left out


def detect(signals: Signals) -> Reading | None:
    """Five words or characters in a row that Whisper did not hear, or far too little speech for the text."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if signals.left_out >= _MOST_LEFT_OUT and signals.error_rate <= _MOST_WRONG:
        text = msg(
            "{left_out:.0f} words or characters in a row were not heard (limit {limit}).",
            left_out=signals.left_out,
            limit=_MOST_LEFT_OUT,
        )
        return Reading(signals.left_out, _MOST_LEFT_OUT, "", text)
    limits = (
        (_LEAST_OF_TRUE, _LEAST_OF_TRUE_SHORT_OF_CLAUSES)
        if signals.target_known
        else (_LEAST_BY_RATE, _LEAST_BY_RATE_SHORT_OF_CLAUSES)
    )
    limit = limits[signals.stretches < signals.clauses]
    if not signals.duration_ratio < limit or _only_fast(signals):
        return None
    share, most = 100 * signals.duration_ratio, 100 * limit
    text = msg(
        "Speech lasts {share:.0f} % of what this text should take (limit {limit:.0f} %); stretches of speech "
        "{stretches}, clauses of the text {clauses}.",
        share=share,
        limit=most,
        stretches=signals.stretches,
        clauses=signals.clauses,
    )
    return Reading(share, most, "%", text)


def _only_fast(signals: SpeechSignals) -> bool:
    """Whether all is said, in less time: Whisper heard the words, or more syllables are there than time is."""
    heard = signals.error_rate <= _MOST_MISHEARD and signals.duration_ratio >= _LEAST_BY_RATE
    return heard or signals.nuclei_ratio > max(_LEAST_SYLLABLES, _SYLLABLES_OVER_TIME * signals.duration_ratio)


RULE = Rule(
    name="skipped_clause",
    severity="flaw",
    title=msg("Words left out"),
    remedy=msg(
        "Listen to the longest outputs, compare an earlier checkpoint, and see whether the transcripts "
        "of your longest clips say all that is heard."
    ),
    detect=by_signals(detect),
    profiles=("speech",),
)

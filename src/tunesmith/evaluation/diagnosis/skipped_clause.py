"""Words of the text are missing: far too little speech for it, or a stretch that nobody heard."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals

# Share of the expected speech: alone, and where there are fewer stretches of speech than the text has clauses.
# On espeak-ng in English and Mandarin, read up to 15 % faster or slower than expected, one clause dropped of two, three
# and four is found in 100, 97 and 81 % (against the true recording) or 93, 62 and 47 % (against the prompt's rate), and
# no whole text is flagged. People vary more than a synthesiser does, so nothing tighter is claimed.
_LEAST_OF_TRUE, _LEAST_OF_TRUE_SHORT_OF_CLAUSES = 0.65, 0.8
_LEAST_BY_RATE, _LEAST_BY_RATE_SHORT_OF_CLAUSES = 0.55, 0.7
_MOST_LEFT_OUT = 5
_MOST_WRONG = 0.75  # where hardly a word was heard rightly, Whisper heard something else: nothing was left out


def look(signals: Signals, context: Context) -> Reading | None:
    """Five words or characters in a row that Whisper did not hear, or far too little speech for the text."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    if signals.left_out >= _MOST_LEFT_OUT and signals.error_rate <= _MOST_WRONG:
        gone = f"{signals.left_out:.0f}"
        text = Text(
            f"{gone} words or characters in a row were not heard (limit {_MOST_LEFT_OUT}).",
            f"连续 {gone} 个词或字未被听到（限值 {_MOST_LEFT_OUT}）。",
        )
        return Reading(signals.left_out, _MOST_LEFT_OUT, "", text)
    limits = (
        (_LEAST_OF_TRUE, _LEAST_OF_TRUE_SHORT_OF_CLAUSES)
        if signals.target_known
        else (_LEAST_BY_RATE, _LEAST_BY_RATE_SHORT_OF_CLAUSES)
    )
    limit = limits[signals.stretches < signals.clauses]
    if not signals.duration_ratio < limit:
        return None
    share, most = f"{100 * signals.duration_ratio:.0f}", f"{100 * limit:.0f}"
    text = Text(
        f"Speech lasts {share} % of what this text should take (limit {most} %); stretches of speech "
        f"{signals.stretches}, clauses of the text {signals.clauses}.",
        f"语音时长只有该文本应有时长的 {share}%（限值 {most}%），文本有 {signals.clauses} 个分句，"
        f"语音有 {signals.stretches} 段。",
    )
    return Reading(100 * signals.duration_ratio, 100 * limit, "%", text)


RULE = Rule(
    name="skipped_clause",
    severity="flaw",
    title=Text("Words left out", "漏读"),
    causes=Text(
        "Transcripts that leave out what is said, or say what is not there; an adapter trained too long on short "
        "clips; an emotion or style edit, which drops clauses in the base model too.",
        "转写文本与录音不符；适配器在短片段上训练过久；或情绪、风格编辑（基础模型在此类编辑中也会漏读）。",
    ),
    remedy=Text(
        "Check the transcripts of the longest clips against their audio, add longer clips, and try an earlier "
        "checkpoint.",
        "核对最长片段的转写文本，增加较长的片段，并试试更早的检查点。",
    ),
    look=look,
    profiles=("speech",),
)

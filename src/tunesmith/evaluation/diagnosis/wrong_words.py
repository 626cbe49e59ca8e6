"""Whisper hears something else than the text."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals

_MOST_WRONG = 0.3


def look(signals: Signals, context: Context) -> Reading | None:
    """Over 30 % of the words or characters wrong, or far more than in the true recordings."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    share = 100 * signals.error_rate
    text = Text(
        f"{share:.0f} % of the words or characters were heard wrongly (limit {100 * _MOST_WRONG:.0f} %).",
        f"有 {share:.0f}% 的词或字识别错误（限值 {100 * _MOST_WRONG:.0f}%）。",
    )
    z = context.z(signals, error_rate=1)
    return Reading(share, 100 * _MOST_WRONG, "%", text, absolute=signals.error_rate > _MOST_WRONG, z=z)


RULE = Rule(
    name="wrong_words",
    severity="flaw",
    title=Text("Wrong words", "读错"),
    causes=Text(
        "Transcripts that do not match their recordings, too high a learning rate, or a language or dialect that the "
        "base model does not speak (or Whisper does not hear).",
        "转写与录音不符、学习率过高，或基础模型不会说（或 Whisper 听不懂）的语言或方言。",
    ),
    remedy=Text(
        "Look at the error rate of the true recordings first: if it is as high, Whisper is at fault; else correct the "
        "transcripts and train with a lower learning rate.",
        "先看真实录音的错误率：若同样高，问题在 Whisper；否则请修正转写并降低学习率。",
    ),
    look=look,
    profiles=("speech",),
)

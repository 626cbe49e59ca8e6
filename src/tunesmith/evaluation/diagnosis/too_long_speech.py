"""Far more speech than the text asks for: repeats, babble, or an end that was not found."""

from __future__ import annotations

from tunesmith.evaluation.diagnosis.rule import Context, Reading, Rule, Text
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.speech.signals import SpeechSignals

_MOST_OF_TRUE, _MOST_BY_RATE = 1.5, 1.8  # espeak-ng's good sentences reach 1.15 and 1.45


def look(signals: Signals, context: Context) -> Reading | None:
    """Half as much again as the true recording, or 1.8 times what the prompt's speaking rate makes expect."""
    if not isinstance(signals, SpeechSignals) or not signals.live:
        return None
    limit = _MOST_OF_TRUE if signals.target_known else _MOST_BY_RATE
    if not signals.duration_ratio > limit:
        return None
    share, most = f"{100 * signals.duration_ratio:.0f}", f"{100 * limit:.0f}"
    text = Text(
        f"Speech lasts {share} % of what this text should take (limit {most} %).",
        f"语音时长为该文本应有时长的 {share}%（限值 {most}%）。",
    )
    return Reading(100 * signals.duration_ratio, 100 * limit, "%", text)


RULE = Rule(
    name="too_long_speech",
    severity="flaw",
    title=Text("Too much speech", "语音过长"),
    causes=Text(
        "An end token that was not learnt, recordings that say more than their transcripts, or sampling that repeats "
        "itself.",
        "没有学到结束标记、录音内容多于转写文本，或采样陷入重复。",
    ),
    remedy=Text(
        "See that every target ends with the end token, trim recordings to their transcripts, and try an earlier "
        "checkpoint.",
        "确认每个目标都以结束标记收尾，把录音剪到与转写一致，并试试更早的检查点。",
    ),
    look=look,
    profiles=("speech",),
)

"""Files so long that they are rather a mix or a mistake than a track."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Error over ``max_seconds``; such a file is not even decoded."""
    limit = context.limits.max_seconds
    for audio in context.audios():
        seconds = audio.facts.seconds
        if seconds > limit:
            told = seconds >= 360
            hours, hours_zh = (t.format(seconds / 3600) if told else "" for t in (" ({:.1f} h)", "（{:.1f} 小时）"))
            yield Finding(
                check="too_long",
                level="error",
                clip=audio.clip,
                message=f"{audio.subject} lasts {seconds:.0f} s{hours}, over {limit:g} s",
                value=seconds,
                limit=limit,
                unit="s",
                remedy="Cut it into pieces (tracks, sentences), or raise checks.max_seconds.",
                message_zh=f"{audio.subject_zh}长 {seconds:.0f} 秒{hours_zh}，超过 {limit:g} 秒",
                remedy_zh="切成单独的曲目或句子，或调大 checks.max_seconds。",
            )

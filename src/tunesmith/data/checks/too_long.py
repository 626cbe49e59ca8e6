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
            yield Finding(
                check="too_long",
                level="error",
                clip=audio.clip,
                message=f"{audio.subject} lasts {seconds:.0f} s ({seconds / 3600:.1f} h), over {limit:g} s",
                value=seconds,
                limit=limit,
                unit="s",
                remedy="Cut it into tracks, or raise checks.max_seconds.",
                message_zh=f"{audio.subject_zh}长 {seconds:.0f} 秒（{seconds / 3600:.1f} 小时），超过 {limit:g} 秒",
                remedy_zh="切成单独的曲目，或调大 checks.max_seconds。",
            )

"""Files with more channels than anyone could mix down blindly."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


def check(context: CheckContext) -> Iterator[Finding]:
    """Error over ``max_channels``, naming the count."""
    limit = context.limits.max_channels
    for audio in context.audios():
        count = audio.facts.channels
        if count > limit:
            yield Finding(
                check="channels",
                level="error",
                clip=audio.clip,
                message=f"{audio.subject} has {count} channels, over {limit}",
                value=count,
                limit=limit,
                unit="channels",
                remedy="Mix it down to stereo or mono.",
                message_zh=f"{audio.subject_zh}有 {count} 个声道，超过 {limit} 个",
                remedy_zh="混成立体声或单声道。",
            )

"""Files with more channels than anyone could mix down blindly."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


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
                message=msg(
                    "{subject} has {count} channels, over {limit}", subject=audio.subject, count=count, limit=limit
                ),
                value=count,
                limit=limit,
                unit="channels",
                remedy=msg("Mix it down to stereo or mono."),
            )

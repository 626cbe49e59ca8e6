"""Files that cannot be decoded: missing, empty, cut off, of a foreign format."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error for every audio that could not be read, with the reader's own sentence."""
    for audio in context.audios():
        facts = audio.facts
        if facts.problem:
            yield Finding(
                check="unreadable",
                level="error",
                clip=audio.clip,
                message=msg("{subject} cannot be read: {reason}", subject=audio.subject, reason=facts.reason),
                remedy=facts.remedy,
            )

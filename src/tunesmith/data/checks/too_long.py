"""Files so long that they are rather a mix or a mistake than a track."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

_SAID_IN_HOURS = 360.0


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
                message=_sentence(audio.subject, seconds, limit),
                value=seconds,
                limit=limit,
                unit="s",
                remedy=msg("Cut it into pieces (tracks, sentences), or raise checks.max_seconds."),
            )


def _sentence(subject: Message, seconds: float, limit: float) -> Message:
    if seconds < _SAID_IN_HOURS:
        return msg("{subject} lasts {seconds:.0f} s, over {limit:g} s", subject=subject, seconds=seconds, limit=limit)
    return msg(
        "{subject} lasts {seconds:.0f} s ({hours:.1f} h), over {limit:g} s",
        subject=subject,
        seconds=seconds,
        hours=seconds / 3600,
        limit=limit,
    )

"""Clips too short to teach anything."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error under ``min_seconds``, warning under ``short_seconds``."""
    for audio in context.audios():
        seconds = audio.facts.seconds
        if audio.facts.problem or seconds >= context.limits.short_seconds:
            continue
        error = seconds < context.limits.min_seconds
        limit = context.limits.min_seconds if error else context.limits.short_seconds
        yield Finding(
            check="too_short",
            level="error" if error else "warn",
            clip=audio.clip,
            message=msg(
                "{subject} lasts {seconds:.2f} s, under {limit:g} s",
                subject=audio.subject,
                seconds=seconds,
                limit=limit,
            ),
            value=seconds,
            limit=limit,
            unit="s",
            remedy=msg("Use a longer cut, or join neighbouring cuts."),
        )

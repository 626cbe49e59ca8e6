"""Clips too short to teach anything."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


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
            message=f"{audio.subject} lasts {seconds:.2f} s, under {limit:g} s",
            value=seconds,
            limit=limit,
            unit="s",
            remedy="Use a longer cut, or join neighbouring cuts.",
            message_zh=f"{audio.subject_zh}只有 {seconds:.2f} 秒，少于 {limit:g} 秒",
            remedy_zh="换更长的片段，或把相邻片段接起来。",
        )

"""Clips without any text that describes them."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error when a clip has no text, or only empty ones (lyrics alone do not describe a clip).

    The model's family decides which clips need a transcript.
    """
    if context.transcripts:
        return
    for clip in context.clips:
        texts = [text for role, text in clip.sample.texts.items() if role != "lyrics" and text.strip()]
        if not texts:
            yield Finding(
                check="missing_text",
                level="error",
                clip=clip.sample.id,
                message=msg("this clip has no caption"),
                value=0,
                limit=1,
                unit="texts",
                remedy=msg("Write one beside it, or give a default text for all clips."),
            )

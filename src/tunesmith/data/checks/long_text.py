"""Texts far longer than any text encoder reads."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Error when a text other than lyrics has more than ``max_text_characters``."""
    limit = context.limits.max_text_characters
    for clip in context.clips:
        for role, text in clip.sample.texts.items():
            if role != "lyrics" and len(text) > limit:
                yield Finding(
                    check="long_text",
                    level="error",
                    clip=clip.sample.id,
                    message=msg(
                        "its {role} has {count} characters, over {limit}", role=role, count=len(text), limit=limit
                    ),
                    value=len(text),
                    limit=limit,
                    unit="characters",
                    remedy=msg("Shorten it to a sentence or a list of tags."),
                )

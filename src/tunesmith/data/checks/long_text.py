"""Texts far longer than any text encoder reads."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.findings import Finding


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
                    message=f"its {role} has {len(text)} characters, over {limit}",
                    value=len(text),
                    limit=limit,
                    unit="characters",
                    remedy="Shorten it to a sentence or a list of tags.",
                    message_zh=f"它的 {role} 有 {len(text)} 个字符，超过 {limit} 个",
                    remedy_zh="缩短为一句话或一组标签。",
                )

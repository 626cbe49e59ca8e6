"""A caption that is longer than what a text encoder reads, named with both lengths."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def long_caption(clip: str, tokens: int, limit: int) -> Iterator[Finding]:
    """A warning where a caption has more tokens than the encoder reads: what follows is cut off and never learnt."""
    if tokens > limit:
        yield Finding(
            check="family_texts",
            level="warn",
            clip=clip,
            message=msg(
                "its caption (or a recaption) has {tokens} tokens; the model reads the first {limit}",
                tokens=tokens,
                limit=limit,
            ),
            value=tokens,
            limit=limit,
            unit="tokens",
            remedy=msg("Shorten it, the most telling tags first."),
        )

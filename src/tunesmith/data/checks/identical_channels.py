"""Stereo files that hold the same mono sound twice."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg


def check(context: CheckContext) -> Iterator[Finding]:
    """Info when the sides differ by less than ``identical_channels_db``; a stereo model learns no width from it."""
    limit = context.limits.identical_channels_db
    for audio in context.decoded():
        side = audio.facts.side_db
        if side is not None and side < limit:
            yield Finding(
                check="identical_channels",
                level="info",
                clip=audio.clip,
                message=msg(
                    "{subject} is mono stored as stereo: side {side:.0f} dB, under {limit:g} dB",
                    subject=audio.subject,
                    side=side,
                    limit=limit,
                ),
                value=side,
                limit=limit,
                unit="dB",
                remedy=msg("Nothing to do for a mono model; a stereo model learns no width from it."),
            )

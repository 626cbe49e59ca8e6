"""Stereo files of which only one side sounds."""

from __future__ import annotations

from collections.abc import Iterator

from tunesmith.data.checks.context import CheckContext
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

_SHOWN_DB = 120.0  # a channel of exact zeros has no level; this is what is printed for it


def check(context: CheckContext) -> Iterator[Finding]:
    """Warning when one channel is quieter than the loudest by more than ``dead_channel_db``."""
    limit = context.limits.dead_channel_db
    for audio in context.decoded():
        gap = min(audio.facts.channel_gap_db, _SHOWN_DB)
        if audio.facts.channels > 1 and gap > limit:
            which = audio.facts.quietest_channel
            yield Finding(
                check="dead_channel",
                level="warn",
                clip=audio.clip,
                message=msg(
                    "channel {channel} of {subject} is dead: {gap:.0f} dB under the other, over {limit:g} dB",
                    channel=which,
                    subject=audio.subject,
                    gap=gap,
                    limit=limit,
                ),
                value=gap,
                limit=limit,
                unit="dB",
                remedy=msg("Export it as mono, or mend the missing channel."),
            )

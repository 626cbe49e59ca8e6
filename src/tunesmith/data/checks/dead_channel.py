"""Stereo files of which only one side sounds."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_SHOWN_DB = 120.0  # a channel of exact zeros has no level; this is what is printed for it


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """One channel is quieter than the loudest by more than ``dead_channel_db``."""
    gap = min(audio.facts.channel_gap_db, _SHOWN_DB)
    return (gap, limits.dead_channel_db) if audio.facts.channels > 1 and gap > limits.dead_channel_db else None


def says(audio: Audio, gap: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "channel {channel} of {subject} is dead: {gap:.0f} dB under the other, over {limit:g} dB",
        channel=audio.facts.quietest_channel,
        subject=audio.subject,
        gap=gap,
        limit=limit,
    )


check = AudioCheck(
    name="dead_channel",
    level="warn",
    unit="dB",
    passed=passed,
    says=says,
    remedy=msg("Export it as mono, or mend the missing channel."),
)

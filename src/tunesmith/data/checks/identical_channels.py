"""Stereo files that hold the same mono sound twice."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """The sides differ by less than ``identical_channels_db``."""
    side = audio.facts.side_db
    return (side, limits.identical_channels_db) if side is not None and side < limits.identical_channels_db else None


def says(audio: Audio, side: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} is mono stored as stereo: side {side:.0f} dB, under {limit:g} dB",
        subject=audio.subject,
        side=side,
        limit=limit,
    )


check = AudioCheck(
    name="identical_channels",
    level="info",
    unit="dB",
    passed=passed,
    says=says,
    remedy=msg("Nothing to do for a mono model; a stereo model learns no width from it."),
)

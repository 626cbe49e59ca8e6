"""Files with more channels than anyone could mix down blindly."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """Over ``max_channels``."""
    count = audio.facts.channels
    return (count, limits.max_channels) if count > limits.max_channels else None


def says(audio: Audio, count: float, limit: float) -> Message:
    """The finding in words."""
    return msg("{subject} has {count} channels, over {limit}", subject=audio.subject, count=count, limit=limit)


check = AudioCheck(
    name="channels",
    level="error",
    unit="channels",
    passed=passed,
    says=says,
    remedy=msg("Mix it down to stereo or mono."),
    undecoded=True,
)

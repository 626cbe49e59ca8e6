"""Silence of seconds in the middle of a clip."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """The longest silence between sound and sound exceeds ``gap_seconds``, in a clip that is not mostly silent."""
    facts, limit = audio.facts, limits.gap_seconds
    return (facts.pause, limit) if facts.pause > limit and facts.silent_share <= limits.silent_share else None


def says(audio: Audio, seconds: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} falls silent for {seconds:.1f} s in its middle, from {start:.1f} s on; over {limit:g} s",
        subject=audio.subject,
        seconds=seconds,
        start=audio.facts.pause_start,
        limit=limit,
    )


check = AudioCheck(
    name="gap",
    level="warn",
    unit="s",
    passed=passed,
    says=says,
    remedy=msg("Cut it into two clips there, or take the silence out: it would be learnt as a part of the sound."),
)

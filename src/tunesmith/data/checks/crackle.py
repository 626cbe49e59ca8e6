"""Clicks and crackle: vinyl, bad clocks, splices."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_FEWEST = 8  # a few clicks in a short clip are no crackle: consonants of one sentence give five


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """More clicks a minute than ``clicks_per_minute``."""
    rate = 60 * audio.facts.clicks / audio.facts.seconds
    limit = limits.clicks_per_minute
    return (rate, limit) if audio.facts.clicks >= _FEWEST and rate > limit else None


def says(audio: Audio, rate: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} crackles: {count} clicks of less than a millisecond, {rate:.0f} a minute, over {limit:.0f}",
        subject=audio.subject,
        count=audio.facts.clicks,
        rate=rate,
        limit=limit,
    )


check = AudioCheck(
    name="crackle",
    level="warn",
    unit="per minute",
    passed=passed,
    says=says,
    remedy=msg("Run a click remover over it or use another copy; leave it if the ticks are part of the music."),
)

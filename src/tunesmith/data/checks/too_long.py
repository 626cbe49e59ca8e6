"""Files so long that they are rather a mix or a mistake than a track."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_IN_HOURS_FROM_S = 360.0


def _sentence(subject: Message, seconds: float, limit: float) -> Message:
    if seconds < _IN_HOURS_FROM_S:
        return msg("{subject} lasts {seconds:.0f} s, over {limit:g} s", subject=subject, seconds=seconds, limit=limit)
    return msg(
        "{subject} lasts {seconds:.0f} s ({hours:.1f} h), over {limit:g} s",
        subject=subject,
        seconds=seconds,
        hours=seconds / 3600,
        limit=limit,
    )


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """Over ``max_seconds``; such a file is not even decoded."""
    seconds = audio.facts.seconds
    return (seconds, limits.max_seconds) if seconds > limits.max_seconds else None


def says(audio: Audio, seconds: float, limit: float) -> Message:
    """The finding in words."""
    return _sentence(audio.subject, seconds, limit)


check = AudioCheck(
    name="too_long",
    level="error",
    unit="s",
    passed=passed,
    says=says,
    remedy=msg("Cut it into pieces (tracks, sentences), or raise checks.max_seconds."),
    undecoded=True,
)

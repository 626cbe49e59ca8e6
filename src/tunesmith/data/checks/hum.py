"""Hum of the mains under the sound."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_FEWEST_LINES = 2


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """Two lines or more at multiples of the mains stand still, ``hum_over_db`` over what lies beside them."""
    over = audio.facts.hum_over_db
    return (over, limits.hum_over_db) if audio.facts.hum_lines >= _FEWEST_LINES and over > limits.hum_over_db else None


def says(audio: Audio, over: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} hums at {hz:.0f} Hz and its multiples from beginning to end, at {level:.0f} dBFS: {lines} lines "
        "stand up to {over:.0f} dB over what lies beside them, over {limit:.0f} dB",
        subject=audio.subject,
        hz=audio.facts.hum_hz,
        level=audio.facts.hum_db,
        lines=audio.facts.hum_lines,
        over=over,
        limit=limit,
    )


check = AudioCheck(
    name="hum",
    level="warn",
    unit="dB",
    passed=passed,
    says=says,
    remedy=msg("Take it out with a notch filter at each multiple; leave the clip alone if a bass holds that note."),
)

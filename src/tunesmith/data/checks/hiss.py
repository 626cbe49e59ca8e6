"""Steady noise under the sound: tape, preamplifiers, fans."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.noise_only import is_noise
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """``hiss_share`` of the treble moves as steady noise does, at a level over ``hiss_db``."""
    share, level = audio.facts.steady_share, audio.facts.steady_db
    if share is None or level is None or is_noise(audio.facts, limits):
        return None
    return (level, limits.hiss_db) if share > limits.hiss_share and level > limits.hiss_db else None


def says(audio: Audio, level: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} hisses from beginning to end: steady noise, {under:.0f} dB under its loud moments (heard where it "
        "is less than {limit:.0f} dB under them), in {share:.0%} of the treble",
        subject=audio.subject,
        under=-level,
        limit=-limit,
        share=audio.facts.steady_share,
    )


check = AudioCheck(
    name="hiss",
    level="warn",
    unit="dB",
    passed=passed,
    says=says,
    remedy=msg("Use a cleaner recording, or a noise reduction with a light hand; an adapter learns hiss first."),
)

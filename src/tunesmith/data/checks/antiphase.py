"""Stereo files that cancel out when they are mixed down to mono."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """The mono mix is weaker than the difference of the sides by ``antiphase_db``."""
    if audio.facts.side_db is None or -audio.facts.side_db >= limits.antiphase_db:
        return None
    return -audio.facts.side_db, limits.antiphase_db


def says(audio: Audio, mono: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "the channels of {subject} cancel out: its mono mix is {mono:.0f} dB against the difference, "
        "under {limit:g} dB",
        subject=audio.subject,
        mono=mono,
        limit=limit,
    )


check = AudioCheck(
    name="antiphase",
    level="warn",
    unit="dB",
    passed=passed,
    says=says,
    remedy=msg("Invert the polarity of one channel before a mono model is trained on it."),
)

"""Samples that are not numbers."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """Any NaN or infinite sample: one of them turns a whole training step into NaN."""
    return (audio.facts.nonfinite, 0) if audio.facts.nonfinite else None


def says(audio: Audio, count: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} holds {count} samples that are not numbers (NaN or infinite), over 0",
        subject=audio.subject,
        count=count,
    )


check = AudioCheck(
    name="nan_samples",
    level="error",
    unit="samples",
    passed=passed,
    says=says,
    remedy=msg("Export it again."),
    undecoded=True,
)

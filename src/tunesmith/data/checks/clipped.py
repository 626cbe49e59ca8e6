"""Waveforms cut flat at the top."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """More than ``clipped_share`` of the samples lie in flat tops at the clip's peak."""
    share = audio.facts.clipped_share
    return (share, limits.clipped_share) if share > limits.clipped_share else None


def says(audio: Audio, share: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} is clipped: {share:.2%} of its samples are cut flat at {peak:.2f}, over {limit:.2%}",
        subject=audio.subject,
        share=share,
        peak=audio.facts.peak,
        limit=limit,
    )


check = AudioCheck(
    name="clipped",
    level="warn",
    unit="%",
    passed=passed,
    says=says,
    remedy=msg("Export it at a lower level if the distortion is not meant."),
)

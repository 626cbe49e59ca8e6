"""Ends that hold nothing but noise: a recorder that ran on, a run-out groove."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.checks.noise_only import is_noise
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """More than ``noise_tail_seconds`` of noise at the end of a clip that is more than noise."""
    seconds, limit = audio.facts.noise_tail, limits.noise_tail_seconds
    return (seconds, limit) if seconds > limit and not is_noise(audio.facts, limits) else None


def says(audio: Audio, seconds: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "the last {seconds:.1f} s of {subject} hold nothing but noise, from {start:.1f} s on; over {limit:g} s",
        subject=audio.subject,
        seconds=seconds,
        start=audio.facts.seconds - seconds,
        limit=limit,
    )


check = AudioCheck(
    name="noisy_tail",
    level="warn",
    unit="s",
    passed=passed,
    says=says,
    remedy=msg("Cut the end off: a model that is shown noise after the sound learns to end in noise."),
)

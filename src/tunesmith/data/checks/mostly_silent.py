"""Clips that are silence for the most part."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_PROMPT_LIMIT = 0.95


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """More than ``silent_share`` of the 50 ms pieces lie under -60 dBFS; of a prompt, nearly all.

    The pauses in a prompt may be what is to be taken away.
    """
    limit = limits.silent_share if audio.is_target else _PROMPT_LIMIT
    share = audio.facts.silent_share
    return (share, limit) if audio.facts.decoded and share > limit else None


def says(audio: Audio, share: float, limit: float) -> Message:
    """The finding in words."""
    return msg("{share:.0%} of {subject} is silence, over {limit:.0%}", share=share, subject=audio.subject, limit=limit)


check = AudioCheck(
    name="mostly_silent",
    level="error",
    unit="%",
    passed=passed,
    says=says,
    remedy=msg("Cut the silence away, or leave the clip out."),
    undecoded=True,
)

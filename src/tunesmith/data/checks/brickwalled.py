"""Masters that a limiter pressed against full scale."""

from __future__ import annotations

import math

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_MOST_OVER_LOUDNESS = 13.0
"""Of the peak over the loudness, in dB: a quiet clip whose waves are all of one height is a synthesiser's."""


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """More than ``peak_share`` of the milliseconds reach the peak, which is little over the loudness."""
    share, limit = audio.facts.peak_share, limits.peak_share
    return (share, limit) if share > limit and peak_to_loudness(audio.facts) < _MOST_OVER_LOUDNESS else None


def peak_to_loudness(facts: ClipFacts) -> float:
    """Sample peak over integrated loudness, in dB."""
    return 20 * math.log10(max(facts.peak, 1e-6)) - facts.lufs if facts.lufs is not None else math.inf


def says(audio: Audio, share: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} is a brickwalled master: {share:.0%} of its milliseconds reach the peak, over {limit:.0%}, which "
        "lies only {over:.0f} dB over its loudness",
        subject=audio.subject,
        share=share,
        limit=limit,
        over=peak_to_loudness(audio.facts),
    )


check = AudioCheck(
    name="brickwalled",
    level="warn",
    unit="%",
    passed=passed,
    says=says,
    remedy=msg("Use the mix from before the limiter if you have it; turning it down does not bring the peaks back."),
)

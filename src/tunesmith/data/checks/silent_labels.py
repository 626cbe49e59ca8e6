"""Silence before and after the sound, which would be trained on as if it were music."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """Leading and trailing silence exceed ``silent_ends_share`` of a clip that is not mostly silent."""
    facts, limit = audio.facts, limits.silent_ends_share
    share = (facts.silent_start + facts.silent_end) / facts.seconds
    return (share, limit) if share > limit and facts.silent_share <= limits.silent_share else None


def says(audio: Audio, share: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} begins with {start:.1f} s and ends with {end:.1f} s of silence: {share:.0%} of what "
        "would be learnt, over {limit:.0%}",
        subject=audio.subject,
        start=audio.facts.silent_start,
        end=audio.facts.silent_end,
        share=share,
        limit=limit,
    )


check = AudioCheck(
    name="silent_labels",
    level="warn",
    unit="%",
    passed=passed,
    says=says,
    remedy=msg("Trim both ends: a model that is shown silence learns to fall silent."),
)

"""Waveforms that do not swing around zero."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_SHARE_OF_RMS = 0.05  # an offset this far under the sound itself is harmless


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """A channel's mean exceeds ``dc_offset`` and 5 % of the clip's RMS level."""
    offset = audio.facts.dc
    return (offset, limits.dc_offset) if offset > max(limits.dc_offset, _SHARE_OF_RMS * audio.facts.rms) else None


def says(audio: Audio, offset: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "{subject} has a DC offset of {offset:.3f}, over {limit:g}", subject=audio.subject, offset=offset, limit=limit
    )


check = AudioCheck(
    name="dc_offset",
    level="warn",
    unit="full scale",
    passed=passed,
    says=says,
    remedy=msg("Apply a 20 Hz high-pass filter."),
)

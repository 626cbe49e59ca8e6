"""Files with several audio tracks side by side, as films have them for their languages: one is read."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """More than one track."""
    return (audio.facts.tracks, 1) if audio.facts.tracks > 1 else None


def says(audio: Audio, tracks: float, limit: float) -> Message:
    """The finding in words."""
    return msg(
        "the file of {subject} holds {tracks:.0f} audio tracks side by side; only one of them is read",
        subject=audio.subject,
        tracks=tracks,
    )


check = AudioCheck(
    name="audio_tracks",
    level="warn",
    unit="tracks",
    passed=passed,
    says=says,
    remedy=msg("Export the track that is meant as a file of its own."),
    undecoded=True,
)

"""Files whose header states another length than they have: songs joined into one file, recordings never closed."""

from __future__ import annotations

from tunesmith.data.checks.audio_check import AudioCheck
from tunesmith.data.checks.context import Audio
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.texts import Message, msg

_SHARE, _SECONDS = 0.02, 0.5


def passed(audio: Audio, limits: CheckLimits) -> tuple[float, float] | None:
    """Header and file disagree by more than 2 % or 0.5 s; number and limit are the length and the header's."""
    facts = audio.facts
    if facts.header_seconds is None or facts.problem:
        return None
    gap = abs(facts.file_seconds - facts.header_seconds)
    return (facts.file_seconds, facts.header_seconds) if gap > min(_SECONDS, _SHARE * facts.file_seconds) else None


def says(audio: Audio, seconds: float, header: float) -> Message:
    """The finding in words."""
    if audio.facts.streams > 1:
        return msg(
            "the file of {subject} holds several recordings, one behind the other: {seconds:.2f} s, and the header "
            "at its front states {header:.2f} s; all of it is read",
            subject=audio.subject,
            seconds=seconds,
            header=header,
        )
    return msg(
        "the file of {subject} holds {seconds:.2f} s, and its header states {header:.2f} s; what it holds is read",
        subject=audio.subject,
        seconds=seconds,
        header=header,
    )


check = AudioCheck(
    name="header_length",
    level="warn",
    unit="s",
    passed=passed,
    says=says,
    remedy=msg("Listen to its end; export it again if anything is missing, and cut what does not belong together."),
    undecoded=True,
)

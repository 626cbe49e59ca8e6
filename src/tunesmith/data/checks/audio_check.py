"""The skeleton of most checks: one number of every audio held against one limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tunesmith.data.checks.context import Audio, CheckContext
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.records.findings import Finding, Level
from tunesmith.texts import Message


@dataclass(frozen=True)
class AudioCheck:
    """A finding for every audio whose number passes its limit.

    Attributes:
        name: The check's name, its file's.
        level: Of its findings.
        unit: Of number and limit; shares are given in ``%``.
        passed: Number and limit where an audio passes it, else ``None``.
        says: The sentence, from the audio, the number and the limit.
        remedy: What to do about it.
        undecoded: Also look at audios whose sound was not measured: prompts, silence, headers alone.
    """

    name: str
    level: Level
    unit: str
    passed: Callable[[Audio, CheckLimits], tuple[float, float] | None]
    says: Callable[[Audio, float, float], Message]
    remedy: Message
    undecoded: bool = False

    def __call__(self, context: CheckContext) -> Iterator[Finding]:
        """The findings of a set."""
        scale = 100 if self.unit == "%" else 1
        for audio in context.audios() if self.undecoded else context.decoded():
            found = self.passed(audio, context.limits)
            if found is None:
                continue
            number, limit = found
            yield Finding(
                check=self.name,
                level=self.level,
                clip=audio.clip,
                message=self.says(audio, number, limit),
                value=scale * number,
                limit=scale * limit,
                unit=self.unit,
                remedy=self.remedy,
            )

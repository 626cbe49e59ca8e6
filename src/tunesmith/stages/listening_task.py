"""What a worker process opens to listen to recordings of speech."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunesmith.speech.tools import SpeechTools

if TYPE_CHECKING:
    from tunesmith.speech.recordings.facts import SpokenFacts
    from tunesmith.speech.recordings.measure import Listener, Recording


def listener_of(tools: SpeechTools) -> Listener:
    """Who listens with these tools, in this process, and keeps nothing."""
    from tunesmith.speech.recordings.measure import Listener
    from tunesmith.speech.speaker_vector import voice_vector
    from tunesmith.speech.transcribe import transcriber

    return Listener(voice_vector(tools), transcriber(tools.whisper), tools.language)


@dataclass(frozen=True)
class ToolsListening:
    """Listening with tools that can be handed to another process."""

    tools: SpeechTools

    @contextmanager
    def __call__(self) -> Iterator[Callable[[Recording], SpokenFacts | None]]:
        """Make the listener, which loads its networks when the first recording comes."""
        yield listener_of(self.tools).measured


@dataclass(frozen=True)
class FamilyListening:
    """Listening with what a family brings: its own network that tells voices has to be loaded anew."""

    path: str
    family: str | None
    options: Mapping[str, Any]
    revision: str | None

    @contextmanager
    def __call__(self) -> Iterator[Callable[[Recording], SpokenFacts | None]]:
        """Open the family."""
        from tunesmith.families.registry import make_family

        family = make_family(self.path, self.family, self.options, self.revision)
        yield listener_of(family.checks.speech_tools() or SpeechTools()).measured


Listening = ToolsListening | FamilyListening

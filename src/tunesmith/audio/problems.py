"""The ways in which a sound file cannot be read, told apart by their kind, and what a file says about itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

ProblemKind = Literal[
    "missing", "empty", "pointer", "text", "damaged", "format", "ffmpeg", "not_finite", "span", "long", "killed"
]


@dataclass(frozen=True)
class AudioInfo:
    """What is known of a file without decoding all of it.

    Attributes:
        sample_rate: In Hz.
        channels: How many.
        frames: Samples per channel that can be read.
        seconds: The same in seconds.
        format: Name of the container.
        header_seconds: Length by the file's header; ``None`` where it leaves that open.
        streams: Streams that stand in the file one behind the other.
        tracks: Audio tracks that lie side by side in it, of which one is read.
    """

    sample_rate: int
    channels: int
    frames: int
    seconds: float
    format: str
    header_seconds: float | None = None
    streams: int = 1
    tracks: int = 1


class UnreadableAudioError(TunesmithError):
    """A sound file that cannot be used, with the ``kind`` of reason beside the sentence."""

    def __init__(self, kind: ProblemKind, what: str | Message, path: str | Path, remedy: str | Message) -> None:
        self.kind = kind
        super().__init__(what, where=str(path), remedy=remedy)


class LongerThanAskedError(UnreadableAudioError):
    """A file that states a length beyond what the caller wants to have converted; ``info`` is what it states."""

    def __init__(self, path: str | Path, info: AudioInfo) -> None:
        self.info = info
        what = msg("this file lasts {seconds:.0f} s, and was not decoded", seconds=info.seconds)
        super().__init__("long", what, path, msg("Cut it into pieces."))

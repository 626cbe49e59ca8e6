"""The ways in which a sound file cannot be read, told apart by their kind."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message

ProblemKind = Literal["missing", "empty", "pointer", "text", "damaged", "format", "ffmpeg", "not_finite", "span"]


class UnreadableAudioError(TunesmithError):
    """A sound file that cannot be used, with the ``kind`` of reason beside the sentence."""

    def __init__(self, kind: ProblemKind, what: str | Message, path: str | Path, remedy: str | Message) -> None:
        self.kind = kind
        super().__init__(what, where=str(path), remedy=remedy)

"""``slices.json``: how ``tunesmith slice`` cut each recording, and what it left out."""

from __future__ import annotations

from typing import ClassVar

from tunesmith.records.record import Part, Record, Said


class SlicePart(Part):
    """One clip.

    Attributes:
        file: Relative to the output folder; empty before it has a name.
        start: Second of the recording at which it begins.
        end: At which it ends.
        begins_at: What its beginning lies at: ``end`` (of the recording), ``pause``, ``bar``, ``section`` or ``quiet``.
        ends_at: The same of its end.
        to_the_end: Whether it ends with the recording's last sample.
    """

    file: str = ""
    start: float
    end: float
    begins_at: str
    ends_at: str
    to_the_end: bool = False


class LeftOut(Part):
    """A stretch of a recording that is in no clip.

    Attributes:
        start: In seconds.
        end: In seconds.
        silent: Whether there is nothing to hear in it.
    """

    start: float
    end: float
    silent: bool


class SlicedRecording(Part):
    """One recording.

    Attributes:
        clip: Its id in the source folder.
        seconds: Its length.
        way: Where it was cut: ``silence``, ``bars`` or ``sections``; empty where it could not be read.
        voice: What found the pauses: ``level`` or ``silero``.
        tempo: Beats per minute, where there is a clear beat.
        sounds: Where its sound begins and ends, in seconds.
        slices: Its clips.
        left_out: What is in none of them.
        notes: What was decided on the way, and what is missing.
    """

    clip: str
    seconds: float = 0.0
    way: str = ""
    voice: str = "level"
    tempo: float | None = None
    sounds: tuple[float, float] = (0.0, 0.0)
    slices: tuple[SlicePart, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[Said, ...] = ()


class Slices(Record):
    """The whole of ``slices.json``.

    Attributes:
        source: The folder that was cut.
        shortest: Seconds of a clip at least, as asked; 0 where each way of cutting has its own.
        longest: At most.
        overlap: Seconds that neighbours share.
        transcriber: What wrote the transcripts; empty where nothing did.
        recordings: Every recording of the folder.
    """

    FORMAT: ClassVar[int] = 1

    source: str
    shortest: float = 0.0
    longest: float = 0.0
    overlap: float = 0.0
    transcriber: str = ""
    recordings: tuple[SlicedRecording, ...] = ()

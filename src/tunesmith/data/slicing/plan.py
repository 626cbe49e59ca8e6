"""How one recording is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tunesmith.data.sample import AudioRef
from tunesmith.data.slicing.choose import Slice, choose
from tunesmith.data.slicing.gaps import Cuttable, Way, cuttable
from tunesmith.data.slicing.heard import listen
from tunesmith.data.slicing.voice import Pause, has_silero, pauses, silero_pauses
from tunesmith.records.slices import LeftOut, SlicedRecording, SlicePart
from tunesmith.texts import Message, msg

At = Literal["silence", "bars", "sections", "auto"]
LENGTHS: dict[Way, tuple[float, float]] = {"silence": (3.0, 15.0), "bars": (10.0, 30.0), "sections": (10.0, 30.0)}
"""Seconds of a clip at least and at most, where nobody says: a sentence or two of speech, some bars of music."""
FADE_S = 0.003
"""Of an end that a cut made; ends of the recording itself stay as they are."""
_SILENT_SHARE = 0.95
_LEAST_LEFT_S = 0.05
_SAME_S = 0.0005


@dataclass(frozen=True)
class Cutting:
    """What is asked for.

    Attributes:
        at: Where to cut; ``auto`` decides for each recording.
        lengths: Seconds of a clip at least and at most; by the way of cutting when ``None``.
        overlap: Seconds that neighbours share.
    """

    at: At = "auto"
    lengths: tuple[float, float] | None = None
    overlap: float = 0.0


def plan_slices(clip: str, ref: AudioRef, cutting: Cutting, advance: Callable[[float], None]) -> SlicedRecording:
    """Decide where a recording is cut.

    Args:
        clip: Its id.
        ref: Its file and span; times count from the span's start.
        cutting: What is asked for.
        advance: Called with the seconds heard since the last call.

    Raises:
        UnreadableAudioError: when it cannot be decoded.
    """
    heard = listen(ref, advance)
    found, voice = pauses(heard), "level"
    if cutting.at == "silence" and has_silero() and (by_voice := silero_pauses(ref, heard)) is not None:
        found, voice = by_voice, "silero"
    if found == [(0.0, heard.seconds)]:
        notes = (msg("nothing can be heard in it"),)
        left = (LeftOut(start=0.0, end=heard.seconds, silent=True),)
        return SlicedRecording(clip=clip, seconds=heard.seconds, left_out=left, notes=notes)
    way = None if cutting.at == "auto" else cutting.at
    places = cuttable(heard, found, way, (cutting.lengths or LENGTHS[way or "bars"])[1])
    shortest, longest = cutting.lengths or LENGTHS[places.way]
    if way is None and longest != LENGTHS["bars"][1]:
        places = cuttable(heard, found, places.way, longest)
    slices = _silent_left_out(choose(places.gaps, shortest, longest, cutting.overlap), found)
    sounds = (found[0][1], found[-1][0])
    return SlicedRecording(
        clip=clip,
        seconds=round(heard.seconds, 3),
        way=places.way,
        voice=voice,
        tempo=None if places.tempo is None else round(places.tempo, 2),
        sounds=(round(sounds[0], 3), round(sounds[1], 3)),
        slices=tuple(_part(part, heard.seconds) for part in slices),
        left_out=tuple(_left_out(slices, heard.seconds, found)),
        notes=tuple(_notes(places, slices, sounds, shortest)),
    )


def _part(part: Slice, seconds: float) -> SlicePart:
    return SlicePart(
        start=round(part.start, 3),
        end=round(part.end, 3),
        begins_at=part.begins_at,
        ends_at=part.ends_at,
        to_the_end=seconds - part.end < _SAME_S,
    )


def _silent_left_out(slices: Sequence[Slice], found: Sequence[Pause]) -> list[Slice]:
    return [
        part for part in slices if _silence_in(part.start, part.end, found) < _SILENT_SHARE * (part.end - part.start)
    ]


def _silence_in(start: float, end: float, found: Iterable[Pause]) -> float:
    return sum(max(0.0, min(end, stop) - max(start, begin)) for begin, stop in found)


def _left_out(slices: Sequence[Slice], seconds: float, found: Sequence[Pause]) -> Iterator[LeftOut]:
    """Every stretch between the clips."""
    edges = [(0.0, 0.0), *((part.start, part.end) for part in slices), (seconds, seconds)]
    done = 0.0
    for start, end in edges:
        if start - done > _LEAST_LEFT_S:
            silence = _silence_in(done, start, found)
            silent = silence > (start - done) - 2 * _LEAST_LEFT_S
            yield LeftOut(start=round(done, 3), end=round(start, 3), silent=silent)
        done = max(done, end)


def _notes(
    places: Cuttable, slices: Sequence[Slice], sounds: tuple[float, float], shortest: float
) -> Iterator[Message]:
    if not slices:
        length = sounds[1] - sounds[0]
        if length < shortest:
            yield msg("its sound lasts {seconds:.1f} s, under {least:g} s", seconds=length, least=shortest)
        else:
            yield msg("no part of it can be cut to the lengths that are asked for")
    hard = sum(part.ends_at == "quiet" for part in slices)
    if hard:
        yield msg(
            "{count} cuts lie at the quietest moment near, as no {place} was in reach",
            count=hard,
            place=_NAMES[places.way],
        )
    if places.way == "bars" and places.tempo is None:
        yield msg("its beat is weak: bar lines may lie anywhere")


_NAMES: dict[Way, Message] = {
    "silence": msg("pause"),
    "bars": msg("bar line"),
    "sections": msg("section change"),
}

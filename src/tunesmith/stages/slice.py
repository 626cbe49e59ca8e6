"""Long recordings cut into clips: `tunesmith slice`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.audio.stored import SampleFormat, sample_format
from tunesmith.data.characters import shown
from tunesmith.data.content import content_key
from tunesmith.data.layouts import Dataset, layout_named, read_layout
from tunesmith.data.own_folder import OwnFolder, own_folder, refuse_nested
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.data.slicing.cache import KeyedLines
from tunesmith.data.slicing.places import SliceNames
from tunesmith.data.slicing.plan import Cutting, plan_slices
from tunesmith.data.slicing.table import TABLE, write_rows
from tunesmith.data.slicing.texts import WholeTexts, whole_texts
from tunesmith.data.slicing.write import OpenRecording, copy_whole, open_recording
from tunesmith.errors import TunesmithError
from tunesmith.records.slices import SlicedRecording, SlicePart, Slices
from tunesmith.run.console import Console
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from tunesmith.speech.transcribe import Transcriber

RECORD = "slices.json"
_VERSION = "slice-1"
_PLANS, _TRANSCRIPTS = ".plans.jsonl", ".transcripts.jsonl"
_ALL_S = 0.001
_MOST = 20
"""Recordings that get a line each on the terminal."""


def slice_folder(
    folder: Path, out: Path, cutting: Cutting, console: Console, transcriber: Transcriber | None = None
) -> Slices:
    """Cut the recordings of a folder into clips, in a folder of their own.

    Args:
        folder: The recordings, in any layout but that of speech pairs.
        out: The clips: a folder that is missing, empty, or begun by an earlier command for the same recordings.
        cutting: Where and how long.
        console: Prints lines and progress.
        transcriber: Writes down what is said in each clip, in place of its caption.

    Raises:
        TunesmithError: when the recordings cannot be read, or the clips cannot be written.
    """
    refuse_nested(out, folder)
    dataset = read_layout(folder)
    _refuse_pairs(dataset, folder)
    try:
        with own_folder(out, "slice", folder) as own:
            work = _Work(own, cutting, SliceNames(folder), transcriber)
            _warn_of_problems(dataset, console)
            with console.progress(msg("slice"), len(dataset.samples)) as advance:
                for sample in dataset.samples:
                    advance(0, sample.id)
                    work.cut(sample, _minutes(advance, sample.id))
                    advance(1)
            return work.finish(folder, console)
    except KeyboardInterrupt:
        console.log(msg("the clips so far stay in {path}; the same command goes on from there", path=str(out)))
        raise


def _warn_of_problems(dataset: Dataset, console: Console) -> None:
    """Name what the layout could not use."""
    lines = [msg("{clip}: {said}", clip=problem.clip, said=problem.with_remedy()) for problem in dataset.problems]
    console.warn_some(
        lines, lambda count: msg("{count} more cannot be used; `tunesmith check` names them", count=count)
    )


def _minutes(advance: Callable[..., None], clip: str) -> Callable[[float], None]:
    """Shows how much of a long recording has been heard."""
    heard = 0.0

    def listening(seconds: float) -> None:
        nonlocal heard
        heard += seconds
        advance(0, f"{clip} {heard // 60:.0f}:{heard % 60:02.0f}")

    return listening


def _refuse_pairs(dataset: Dataset, folder: Path) -> None:
    several = next((sample for sample in dataset.samples if len(sample.audios) != 1), None)
    if layout_named(dataset.name).speech or several is not None:
        raise TunesmithError(
            msg("each item here is a prompt and its answer, and no part of one answers a part of the other"),
            where=str(folder),
            remedy=msg("Name a folder of single recordings."),
        )


@dataclass
class _Work:
    """The recordings of one command as they are cut."""

    own: OwnFolder
    cutting: Cutting
    names: SliceNames
    transcriber: Transcriber | None
    recordings: list[SlicedRecording] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    wanted: set[str] = field(default_factory=set)

    @cached_property
    def _plans(self) -> KeyedLines:
        return KeyedLines(self.own.folder / _PLANS)

    @cached_property
    def _transcripts(self) -> KeyedLines:
        return KeyedLines(self.own.folder / _TRANSCRIPTS)

    def cut(self, sample: Sample, listening: Callable[[float], None]) -> None:
        """Cut one recording; one that cannot be read is noted, and the others go on."""
        (ref,) = sample.audios.values()
        try:
            key = content_key(_VERSION, *_state(ref), ref.start, ref.end, self.cutting)
            planned = self._plan(sample.id, ref, key, listening)
            texts = whole_texts(sample, planned.seconds, planned.sounds, uncut=_is_uncut(planned))
            with _Lazily(ref) as recording:
                slices = tuple(self._clip(sample, part, texts, recording, key) for part in planned.slices)
        except UnreadableAudioError as error:
            self.recordings.append(SlicedRecording(clip=sample.id, notes=(error.message,)))
            return
        notes = (*planned.notes, *self._notes(texts, slices))
        self.recordings.append(planned.model_copy(update={"slices": slices, "notes": notes}))

    def _plan(self, clip: str, ref: AudioRef, key: str, listening: Callable[[float], None]) -> SlicedRecording:
        known = self._plans.get(key)
        if known is not None:
            return SlicedRecording.model_validate({**known, "clip": clip})
        planned = plan_slices(clip, ref, self.cutting, listening)
        self._plans.add(key, planned.to_json())
        return planned

    def _clip(self, sample: Sample, part: SlicePart, texts: WholeTexts, recording: _Lazily, key: str) -> SlicePart:
        """Write one clip and its row."""
        is_whole = recording.is_whole(part)
        suffix = Path(recording.ref.path).suffix if is_whole else recording.form.suffix
        path = self.names.next(sample, suffix)
        made = content_key(key, part.start, part.end, is_whole)
        write = partial(copy_whole, recording.ref) if is_whole else partial(recording.write, part)
        if self.own.put(path, made, write) == "foreign":
            self.foreign.append(path)
        self.wanted.add(path)
        said = {} if self.transcriber is None else {"caption": self._transcript(self.transcriber, path, made)}
        self.rows.append(_row(path, sample, part, {**texts.part(part.start, part.end), **said}))
        return part.model_copy(update={"file": shown(path)})

    def _transcript(self, transcriber: Transcriber, path: str, made: str) -> str:
        from tunesmith.audio.decode import read

        key = content_key(made, transcriber.name)
        known = self._transcripts.get(key)
        if known is None:
            known = {"text": transcriber.transcribe(*read(self.own.folder / path))}
            self._transcripts.add(key, known)
        return str(known["text"])

    def _notes(self, texts: WholeTexts, slices: Sequence[SlicePart]) -> Iterator[Message]:
        """What became of the texts."""
        if texts.transcript and slices and self.transcriber is None:
            yield msg(
                "its text reads like a transcript of the whole, which is said in none of its {count} clips: they have "
                "no text (--transcribe writes theirs where Whisper is)",
                count=len(slices),
            )
        if texts.guessed and len(slices) > 1:
            yield msg("its lyrics have no times: which lines are sung in a clip is a guess by their share")

    def finish(self, folder: Path, console: Console) -> Slices:
        """Write the list and the record, take away clips that are no more, and say what was done."""
        edited = write_rows(self.own.folder, self.rows)
        self.own.sweep(self.wanted)
        lengths = self.cutting.lengths or (0.0, 0.0)
        record = Slices(
            source=str(folder),
            shortest=lengths[0],
            longest=lengths[1],
            overlap=self.cutting.overlap,
            transcriber=self.transcriber.name if self.transcriber else "",
            recordings=tuple(self.recordings),
        )
        record.write(self.own.folder / RECORD)
        foreign = [
            msg("{path} in the folder was changed by somebody else; it is left alone", path=shown(path))
            for path in self.foreign
        ]
        console.warn_some(foreign, lambda count: msg("{count} more files of the folder are left alone", count=count))
        if edited:
            console.log(msg("{count} rows of {file} that you have edited stay as they are", count=edited, file=TABLE))
        _log(record, self.own.folder, console)
        return record


def _is_uncut(planned: SlicedRecording) -> bool:
    """Whether one clip holds all that can be heard."""
    return len(planned.slices) == 1 and all(left.silent for left in planned.left_out)


class _Lazily:
    """A recording that is opened when its first clip has to be written."""

    def __init__(self, ref: AudioRef) -> None:
        self.ref = ref
        self._stack = ExitStack()
        self._open: OpenRecording | None = None

    def __enter__(self) -> _Lazily:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @cached_property
    def form(self) -> SampleFormat:
        """How its clips are stored."""
        return sample_format(Path(self.ref.path))

    def is_whole(self, part: SlicePart) -> bool:
        """Whether a clip is the whole file, which is then copied byte for byte."""
        return self.ref.start == 0 and self.ref.end is None and part.start < _ALL_S and part.to_the_end

    def write(self, part: SlicePart, path: Path) -> None:
        """Write a clip."""
        if self._open is None:
            self._open = self._stack.enter_context(open_recording(self.ref))
        self._open.write(part, path, self.form)


def _state(ref: AudioRef) -> tuple[object, ...]:
    try:
        stat = Path(ref.path).stat()
    except OSError:
        return (ref.path,)
    return str(Path(ref.path).absolute()), stat.st_size, stat.st_mtime_ns


def _row(path: str, sample: Sample, part: SlicePart, texts: Mapping[str, str]) -> dict[str, Any]:
    """A clip's row of the list: its file, its texts, where it was cut from, and what else is known of the recording."""
    (ref,) = sample.audios.values()
    own = {"file_name", "text", "lyrics", "source", "start", "end"}
    row: dict[str, Any] = {"file_name": path}
    if texts.get("caption"):
        row["text"] = texts["caption"]
    if texts.get("lyrics"):
        row["lyrics"] = texts["lyrics"]
    place = {"source": sample.id, "start": round(ref.start + part.start, 3), "end": round(ref.start + part.end, 3)}
    return {**row, **place, **{key: value for key, value in sample.attributes.items() if key not in own}}


def _log(record: Slices, out: Path, console: Console) -> None:
    """Print how each recording was cut, what there is to know of them, and the numbers."""
    whole = str(out / RECORD)
    lines = [_line(recording) for recording in record.recordings if recording.slices or not recording.notes]
    console.log_some(
        lines,
        lambda count: msg("  {count} more recordings; all of them are in {path}", count=count, path=whole),
        most=_MOST,
    )
    notes: dict[str, list[Message]] = {}
    for recording in record.recordings:
        for note in recording.notes:
            notes.setdefault(note.id, []).append(msg("  note   {clip}: {said}", clip=recording.clip, said=note))
    for alike in notes.values():
        console.log_some(
            alike,
            lambda count: msg("  note   {count} more like these are in {path}", count=count, path=whole),
            "yellow",
        )
    clips = [part for recording in record.recordings for part in recording.slices]
    console.log(
        msg(
            "{clips} clips ({minutes:.1f} min) of {recordings} recordings in {path}",
            clips=len(clips),
            minutes=sum(part.end - part.start for part in clips) / 60,
            recordings=len(record.recordings),
            path=str(out),
        )
    )


_WAYS: dict[str, Message] = {
    "silence": msg("at pauses"),
    "bars": msg("at bar lines"),
    "sections": msg("at section changes"),
    "": msg("not at all"),
}


def _line(recording: SlicedRecording) -> Message:
    silent = sum(left.end - left.start for left in recording.left_out if left.silent)
    lost = sum(left.end - left.start for left in recording.left_out if not left.silent)
    return msg(
        "  {clip}: {count} clips, cut {way}; left out: {silent:.1f} s of silence, {lost:.1f} s that fit into no clip",
        clip=recording.clip,
        count=len(recording.slices),
        way=_WAYS[recording.way],
        silent=silent,
        lost=lost,
    )

"""The files of a repaired copy, each with what it is made of and how it is written."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from tunesmith.audio.stored import SampleFormat, sound_writer
from tunesmith.data.characters import shown
from tunesmith.data.checks.survey import span_of
from tunesmith.data.content import content_key
from tunesmith.data.labels import FILE as LABELS
from tunesmith.data.layouts import Dataset, LayoutOptions, layout_named
from tunesmith.data.layouts.beside import BesideFiles
from tunesmith.data.layouts.walk import files as files_below
from tunesmith.data.repair.mend import Mended, repaired
from tunesmith.data.repair.places import CopyPlaces, Place, moves_of
from tunesmith.data.repair.plan import RepairPlan
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error

_VERSION = "repair-1"
"""Raise it when a repair changes what it writes, so that files of an earlier version are written anew."""


@dataclass(frozen=True)
class CopyFile:
    """One file of the copy.

    Attributes:
        path: Relative to the copy.
        made: Names what it is made of.
        write: Writes it.
        size: Bytes, about.
        changed: Whether it differs from its original.
    """

    path: str
    made: str
    write: Callable[[Path], None]
    size: int
    changed: bool = False


@dataclass(frozen=True)
class RepairedCopy:
    """All of a copy.

    Attributes:
        files: Every file.
        places: Where each sound lies.
    """

    files: tuple[CopyFile, ...]
    places: Mapping[AudioRef, Place]


class SourceGoneError(TunesmithError):
    """A file of the dataset that cannot be read any more; the others can still be copied."""


def repaired_copy(dataset: Dataset, folder: Path, options: LayoutOptions, plan: RepairPlan) -> RepairedCopy:
    """Lay out the copy of a dataset.

    Args:
        dataset: As it was read.
        folder: Where it lies; a list of speech pairs may be named itself, of whose folder only its audio is copied.
        options: How it was read.
        plan: The repairs.

    Raises:
        TunesmithError: for a list that cannot be read.
    """
    layout = layout_named(dataset.name)
    root = folder.parent if folder.is_file() else folder
    rest = [] if folder.is_file() else [path for path in files_below(folder) if (folder / path).is_file()]
    placing = CopyPlaces(root, rest)
    places = placing.of(plan.sounds)
    used = {ref for sample in dataset.samples if sample.id not in plan.removed for ref in _sounds(sample)}
    lists = layout.relist(folder, options, moves_of(places, plan.removed)) if layout.relist else {}
    lists |= _labels(root, placing, places) if rest else {}
    elsewhere = {placing.inside(ref.path) for ref in places} | set(lists)
    if layout.relist is None:
        elsewhere |= set(_texts_of_gone(root, rest, {placing.inside(ref.path) for ref in used}, places, placing))
    files = [
        *(_sound(plan.sounds[ref], places[ref]) for ref in places if ref in used),
        *(_same(root / path, str(path)) for path in rest if path not in elsewhere),
        *(_text(path, text) for path, text in lists.items()),
    ]
    return RepairedCopy(tuple({file.path: file for file in files}.values()), places)


def _sounds(sample: Sample) -> Iterator[AudioRef]:
    for audios in (sample.audios, *(variant.audios for variant in sample.variants)):
        yield from (span_of(ref) for ref in audios.values())


def _texts_of_gone(
    root: Path,
    rest: Sequence[PurePosixPath],
    used: Collection[PurePosixPath | None],
    places: Iterable[AudioRef],
    placing: CopyPlaces,
) -> Iterator[PurePosixPath]:
    """Texts beside clips that are left out, unless a clip of the same name stays."""
    beside = BesideFiles(root, rest)
    stems = {path.with_suffix("") for path in used if path is not None}
    for ref in places:
        path = placing.inside(ref.path)
        if path is not None and path not in used and path.with_suffix("") not in stems:
            yield from beside.of(path).values()


def _labels(root: Path, placing: CopyPlaces, places: Mapping[AudioRef, Place]) -> dict[PurePosixPath, bytes]:
    """What `tunesmith label` found, under the new names of clips that have one."""
    names = {str(placing.inside(ref.path)): str(place.path) for ref, place in places.items()}
    renamed = {shown(old): shown(new) for old, new in names.items() if old != new}
    if not renamed or not (root / LABELS).is_file():
        return {}
    lines = []
    for line in (root / LABELS).read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            lines.append(line)
            continue
        known = isinstance(record, dict) and record.get("id") in renamed
        lines.append(json.dumps({**record, "id": renamed[record["id"]]}).encode() if known else line)
    return {PurePosixPath(LABELS): b"\n".join(lines)}


def _sound(sound: Mended, place: Place) -> CopyFile:
    source = Path(sound.ref.path)
    if place.form is None:
        return _same(source, str(place.path))
    size, changed = _state(source)
    made = content_key(_VERSION, size, changed, sound.ref.start, sound.ref.end, sound.steps, place.form)
    return CopyFile(str(place.path), made, partial(_write_sound, sound, place.form), size, changed=True)


def _write_sound(sound: Mended, form: SampleFormat, path: Path) -> None:
    with repaired(sound.ref, sound.steps) as pieces:
        first = next(pieces)
        with sound_writer(path, sound.facts.sample_rate, first.shape[0], form) as write:
            write(first)
            for piece in pieces:
                write(piece)


def _same(source: Path, path: str) -> CopyFile:
    size, changed = _state(source)
    return CopyFile(path, content_key("copy", size, changed), partial(_copy, source), size)


def _copy(source: Path, path: Path) -> None:
    try:
        file = source.open("rb")
    except OSError as error:
        explained = explain_os_error(error, source)
        raise SourceGoneError(explained.what, where=str(source), remedy=explained.remedy) from error
    with file, path.open("wb") as made:
        shutil.copyfileobj(file, made, 1 << 20)


def _text(path: PurePosixPath, text: bytes) -> CopyFile:
    def write(place: Path) -> None:
        place.write_bytes(text)

    return CopyFile(str(path), content_key("text", text), write, len(text), changed=True)


def _state(path: Path) -> tuple[int, int]:
    try:
        stat = path.stat()
    except OSError:
        return 0, 0  # it has gone since it was listed; copying it says so
    return stat.st_size, stat.st_mtime_ns

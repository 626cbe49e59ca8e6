"""Where everything of a dataset lies in its repaired copy: the same path, wherever that is possible."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tunesmith.audio.stored import SampleFormat, sample_format
from tunesmith.data.layouts.moves import Moves
from tunesmith.data.repair.mend import Mended
from tunesmith.data.sample import AudioRef

_OUTSIDE = PurePosixPath("audio")
"""Folder in the copy for audio that does not lie in the dataset's own folder."""


@dataclass(frozen=True)
class Place:
    """One sound in the copy.

    Attributes:
        path: Relative to the copy.
        form: How it is written; ``None`` for a file that is copied byte for byte.
    """

    path: PurePosixPath
    form: SampleFormat | None = None


class CopyPlaces:
    """Gives every sound its path in the copy, and no path twice.

    Args:
        root: The dataset's folder.
        files: Every file of it that may be copied, relative to it.
    """

    def __init__(self, root: Path, files: Iterable[PurePosixPath]) -> None:
        self.root = root
        self._taken = {str(path).casefold() for path in files}
        self._outside: dict[str, PurePosixPath] = {}

    def of(self, sounds: Mapping[AudioRef, Mended]) -> dict[AudioRef, Place]:
        """The place of each sound; a repaired part of a file, or of one that others read in part, becomes its own."""
        shared = {ref.path for ref in sounds if _is_part(ref)}
        places = {}
        for ref, sound in sounds.items():
            home = self._home(ref.path)
            if not sound.steps:
                places[ref] = Place(home)
                continue
            form = sample_format(Path(ref.path))
            if ref.path in shared:
                stem = f"{home.stem} {ref.start:g}-{'end' if ref.end is None else f'{ref.end:g}'} s"
                suffix = home.suffix if form.keeps_name else form.suffix
                places[ref] = Place(self._free(home.with_name(f"{stem}{suffix}")), form)
            elif form.keeps_name:
                places[ref] = Place(home, form)
            else:
                places[ref] = self._renamed(home, form)
        return places

    def _renamed(self, home: PurePosixPath, form: SampleFormat) -> Place:
        """The same name with another suffix, so that texts beside it stay its own; as it is where that is taken."""
        path = home.with_suffix(form.suffix)
        if str(path).casefold() in self._taken:
            return Place(home)
        self._taken.add(str(path).casefold())
        return Place(path, form)

    def _home(self, path: str) -> PurePosixPath:
        """Where a file lies in the copy if it is not renamed."""
        inside = self.inside(path)
        if inside is not None:
            return inside
        if path not in self._outside:
            name = PurePosixPath(path).name
            self._outside[path] = self._free(_OUTSIDE / name)
        return self._outside[path]

    def inside(self, path: str) -> PurePosixPath | None:
        """A file's path relative to the dataset's folder; ``None`` where it lies elsewhere."""
        root, file = Path(os.path.normpath(self.root.absolute())), Path(os.path.normpath(path))
        return PurePosixPath(file.relative_to(root).as_posix()) if file.is_relative_to(root) else None

    def _free(self, path: PurePosixPath) -> PurePosixPath:
        """The path, with a number where it is taken."""
        free, number = path, 2
        while str(free).casefold() in self._taken:
            free = path.with_name(f"{path.stem} ({number}){path.suffix}")
            number += 1
        self._taken.add(str(free).casefold())
        return free


def _is_part(ref: AudioRef) -> bool:
    return ref.start > 0 or ref.end is not None


def moves_of(places: Mapping[AudioRef, Place], gone: Iterable[str]) -> Moves:
    """What a layout's lists need to know of the places."""
    cut = frozenset(ref for ref, place in places.items() if place.form is not None and _is_part(ref))
    return Moves({ref: place.path for ref, place in places.items()}, frozenset(gone), cut)

"""Names of the clips: where their recording lies in its folder, and a number that says that they belong together."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from tunesmith.data.sample import Sample

_SPLIT_FOLDERS = frozenset({"train", "valid", "validation", "val", "dev", "test", "eval"})


class SliceNames:
    """Gives every clip a path of its own: ``songs/x_slice_0001.wav``; a split knows by it what was cut from one file.

    Args:
        root: The folder of the recordings.
    """

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.normpath(root.absolute()))
        self._stems: dict[str, PurePosixPath] = {}
        self._taken: set[str] = set()
        self._count: dict[str, int] = {}

    def next(self, sample: Sample, suffix: str) -> str:
        """The path of the next clip of a recording; parts of one file are numbered on."""
        audio = next(iter(sample.targets.values())).path
        stem = self._stems.get(audio) or self._new(audio, sample)
        self._stems[audio] = stem
        number = self._count[audio] = self._count.get(audio, 0) + 1
        return f"{stem}_slice_{number:04d}{suffix}"

    def _new(self, audio: str, sample: Sample) -> PurePosixPath:
        file = Path(os.path.normpath(audio))
        inside = file.is_relative_to(self._root)
        path = PurePosixPath(file.relative_to(self._root).as_posix()) if inside else PurePosixPath(file.name)
        if sample.split and path.parts[0].lower() not in _SPLIT_FOLDERS:
            path = sample.split / path
        stem, number = path.with_suffix(""), 2
        while str(stem).casefold() in self._taken:
            stem = path.with_name(f"{path.stem} ({number})")
            number += 1
        self._taken.add(str(stem).casefold())
        return stem

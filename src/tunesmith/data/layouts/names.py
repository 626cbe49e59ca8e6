"""Where a file lies that a list names: inside the folder, and spelt as the disk spells it."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path, PurePosixPath

from tunesmith.data.characters import same_name
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def inside(folder: Path, name: str, where: str) -> PurePosixPath:
    """The path ``name`` relative to ``folder``, refused where it leads out of it.

    Links are another matter (:func:`tunesmith.data.layouts.walk.walk`): the path itself may not lead out.

    Raises:
        TunesmithError: for an empty path, ``../`` that leaves the folder, or an absolute path elsewhere.
    """
    path = Path(os.path.normpath(name)) if name.strip() else None
    if path is not None and path.is_absolute():
        root = folder.absolute()
        path = path.relative_to(root) if path.is_relative_to(root) else None
    if path is None or path.parts[:1] in ((), ("..",)) or "\x00" in name:
        raise TunesmithError(
            msg("the audio path {name!r} lies outside the dataset's folder {folder}", name=name, folder=folder),
            where=where,
            remedy=msg("Give a path inside it, such as train/a.wav."),
        )
    if "\\" in name and spelt(folder / path) is None:  # written on Windows
        return inside(folder, name.replace("\\", "/"), where)
    return PurePosixPath(path.as_posix())


def spelt(path: Path) -> Path | None:
    """A file or folder as it is spelt on the disk, ``None`` where there is none.

    A name with accents has two spellings that look alike: ``é`` (NFC) and ``e`` with a combining accent (NFD, as macOS
    stores it). Both name the same file, unless there is a file of either spelling.
    """
    try:
        if path.exists():
            return path
        if path == path.parent or (parent := spelt(path.parent)) is None or not parent.is_dir():
            return None
        names = _names(str(parent), parent.stat().st_mtime_ns)
    except (OSError, ValueError):  # a name too long, a NUL byte
        return None
    found = names.get(same_name(path.name), [])
    return parent / found[0] if len(found) == 1 else None


@lru_cache(maxsize=256)
def _names(folder: str, _changed: int) -> dict[str, list[str]]:
    """The names in a folder by what their spellings have in common."""
    names: dict[str, list[str]] = {}
    for name in os.listdir(folder):
        names.setdefault(same_name(name), []).append(name)
    return names

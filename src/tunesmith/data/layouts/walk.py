"""Look through a folder of audio: files in a stable order, links followed by one rule."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NoReturn

from tunesmith.audio.decode import is_audio
from tunesmith.data.characters import shown
from tunesmith.files import explain_os_error
from tunesmith.texts import Message, msg


@dataclass
class Walk:
    """What lies below a folder.

    Attributes:
        files: Every visible file, relative to the folder and sorted.
        not_entered: Links to folders that are read already, or that hold this one.
        broken: Links that lead nowhere.
    """

    files: list[PurePosixPath] = field(default_factory=list)
    not_entered: list[PurePosixPath] = field(default_factory=list)
    broken: list[PurePosixPath] = field(default_factory=list)

    def notes(self) -> Iterator[Message]:
        """What was not followed."""
        if self.not_entered:
            yield msg(
                "{count} links to folders that are read already, or that hold this one, were not followed (the first: "
                "{first}).",
                count=len(self.not_entered),
                first=shown(str(self.not_entered[0])),
            )
        if self.broken:
            first = shown(str(self.broken[0]))
            yield msg("{count} links lead nowhere (the first: {first}).", count=len(self.broken), first=first)


def walk(folder: Path) -> Walk:
    """Look through a folder; hidden files and folders are left out.

    Links are followed wherever they lead, also out of the folder: whoever put one there meant it. What lies in a linked
    folder keeps the path below the link. Every folder is read once: under its own path where it lies below ``folder``,
    else under the first link to it; a link to a folder that holds this one is not followed, as it would never end.

    Raises:
        TunesmithError: when a folder cannot be listed.
    """
    found = Walk()
    own = Path(os.path.realpath(folder))
    seen = {_identity(parent) for parent in own.parents}
    waiting = deque([PurePosixPath()])
    while waiting:
        start = waiting.popleft()
        if start.parts and _identity(folder / start) in seen:
            found.not_entered.append(start)
            continue
        waiting += sorted(_read_below(folder, start, found, seen), key=str)
    found.files.sort(key=str)
    return found


def audio_files(folder: Path) -> list[PurePosixPath]:
    """Every clip under ``folder``, relative to it and sorted; hidden files and folders are left out.

    Raises:
        TunesmithError: when a folder cannot be listed.
    """
    return [path for path in files(folder) if is_audio(Path(path))]


def files(folder: Path) -> list[PurePosixPath]:
    """Every visible file under ``folder``, relative to it and sorted.

    Raises:
        TunesmithError: when a folder cannot be listed.
    """
    return walk(folder).files


def _read_below(folder: Path, start: PurePosixPath, found: Walk, seen: set[tuple[int, int]]) -> Iterator[PurePosixPath]:
    """Add the files below one folder without following links; give the links to folders that were met."""

    def stop(error: OSError) -> NoReturn:
        raise explain_os_error(error, folder) from error

    for directory, folders, names in os.walk(folder / start, onerror=stop):
        relative = PurePosixPath(Path(directory).relative_to(folder).as_posix())
        visible = [name for name in folders if not name.startswith((".", "__"))]
        linked = {name for name in visible if os.path.islink(os.path.join(directory, name))}
        yield from (relative / name for name in linked)
        seen.add(_identity(Path(directory)))
        folders[:] = [n for n in visible if n not in linked and _identity(Path(directory) / n) not in seen]
        for name in names:
            if name.startswith("."):
                continue
            path = relative / name
            if os.path.islink(full := os.path.join(directory, name)) and not os.path.exists(full):
                found.broken.append(path)
            found.files.append(path)


def _identity(folder: Path) -> tuple[int, int]:
    """What two paths to one folder have in common."""
    try:
        stat = os.stat(folder)
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return stat.st_dev, stat.st_ino

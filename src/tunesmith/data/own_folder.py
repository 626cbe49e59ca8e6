"""A folder that a command fills file by file: it goes on where it was stopped, and leaves alone what is not its own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path, explain_os_error
from tunesmith.texts import Message, msg

JOURNAL = ".written.jsonl"
"""What was written into the folder: its first line says by what and from what, each further one names a file."""
_LOCK = ".lock"
_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}(\.[^.]+)?")

Outcome = Literal["written", "there", "foreign"]
"""Of a file: written now; there already as it should be; or somebody else's, and left alone."""


class OwnFolder:
    """A folder and the journal of what was written into it; made by :func:`own_folder`.

    A file's line is written before the file takes its name, so that no file of ours is ever without one. A file is
    known as ours by its size and its time of change: one that somebody has edited since is theirs.

    Args:
        folder: Where it lies.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, dict[tuple[int, int], str]] = {}
        for record in _lines(folder / JOURNAL):
            if isinstance(record.get("path"), str):
                state = (record.get("size", -1), record.get("mtime_ns", -1))
                self._known.setdefault(record["path"], {})[state] = str(record.get("made", ""))

    def put(self, path: str, made: str, write: Callable[[Path], None]) -> Outcome:
        """Write a file, unless it is there already.

        Args:
            path: Relative to the folder, with ``/``.
            made: Names what the file is made of; a file of ours with another ``made`` is replaced.
            write: Writes it to the path that it is given.

        Raises:
            TunesmithError: when it cannot be written.
        """
        target = self.folder / path
        owned = self._made(path)
        if owned == made:
            return "there"
        if owned is None and os.path.lexists(target):
            return "foreign"
        with atomic_path(target) as temporary:
            write(temporary)
            stat = temporary.stat()
            self._note(path, (stat.st_size, stat.st_mtime_ns), made)
        return "written"

    def sweep(self, wanted: Collection[str]) -> int:
        """Remove files of ours that are wanted no more; how many there were."""
        stale = [path for path in self._known if path not in wanted and self._made(path) is not None]
        for path in stale:
            (self.folder / path).unlink(missing_ok=True)
        return len(stale)

    def _made(self, path: str) -> str | None:
        """What the file there is made of, if it is ours."""
        try:
            stat = (self.folder / path).stat()
        except OSError:
            return None
        return self._known.get(path, {}).get((stat.st_size, stat.st_mtime_ns))

    def _note(self, path: str, state: tuple[int, int], made: str) -> None:
        self._known.setdefault(path, {})[state] = made
        _append(self.folder, {"path": path, "size": state[0], "mtime_ns": state[1], "made": made})


@contextmanager
def own_folder(folder: Path, purpose: str, source: Path) -> Iterator[OwnFolder]:
    """Open a folder to be filled by one command at a time; it is made where it is missing.

    Args:
        folder: It must be missing, empty, or from an earlier command of the same purpose and source.
        purpose: What fills it (``repair``).
        source: What it is made from.

    Raises:
        TunesmithError: when it is none of these, cannot be written to, holds its source or lies in it, or another
            command is writing into it.
    """
    refuse_nested(folder, source)
    head = {"purpose": purpose, "source": str(source.resolve())}
    if os.path.lexists(folder) and not folder.is_dir():
        raise _not_ours(folder, msg("this is no folder"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        first = next(iter(_lines(folder / JOURNAL)), None)
        if first is None and any(path.name not in (_LOCK, JOURNAL) for path in folder.iterdir()):
            raise _not_ours(folder, msg("this folder is not empty"))
        if first is not None and {name: first.get(name) for name in head} != head:
            raise _not_ours(folder, msg("this folder was made from {source}", source=str(first.get("source"))))
        lock = FileLock(folder / _LOCK)
        with lock.acquire(timeout=0):
            if first is None:
                (folder / JOURNAL).unlink(missing_ok=True)
                _append(folder, head)
            _end_line(folder / JOURNAL)
            _remove_leftovers(folder)
            yield OwnFolder(folder)
    except Timeout as error:
        raise TunesmithError(
            msg("another command is writing into this folder"),
            where=str(folder),
            remedy=msg("Wait until it has ended."),
        ) from error
    except OSError as error:
        raise explain_os_error(error, folder) from error


def refuse_nested(folder: Path, source: Path) -> None:
    """Refuse an output that is its source, lies in it or holds it: the one would be read as part of the other.

    Raises:
        TunesmithError: when it is so.
    """
    out, origin = folder.resolve(), source.resolve()
    what: Message | None = None
    if out == origin:
        what = msg("this is the folder of your clips itself")
    elif out.is_relative_to(origin):
        what = msg("this folder lies inside of your clips' folder {source}", source=str(source))
    elif origin.is_relative_to(out):
        what = msg("your clips' folder {source} lies inside of this folder", source=str(source))
    if what is not None:
        raise TunesmithError(what, where=str(folder), remedy=msg("Name another folder, beside it for instance."))


def _not_ours(folder: Path, what: Message) -> TunesmithError:
    return TunesmithError(what, where=str(folder), remedy=msg("Name a new or an empty folder."))


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a journal; one that an interruption cut short is left out."""
    if not path.is_file():
        return
    with path.open("rb") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict):
                yield record


def _append(folder: Path, record: dict[str, Any]) -> None:
    try:
        with (folder / JOURNAL).open("a", encoding="ascii") as file:
            file.write(json.dumps(record) + "\n")
    except OSError as error:
        raise explain_os_error(error, folder / JOURNAL) from error


def _end_line(path: Path) -> None:
    """End a line that an interruption cut short, so that the next one is whole."""
    with path.open("rb+") as file:
        file.seek(-1, os.SEEK_END)
        if file.read(1) != b"\n":
            file.write(b"\n")


def _remove_leftovers(folder: Path) -> None:
    """Files that a killed command had begun."""
    for place, _, names in os.walk(folder):
        for name in names:
            if _LEFTOVER.fullmatch(name):
                (Path(place) / name).unlink()

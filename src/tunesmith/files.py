"""Files that are complete or absent: write beside, flush to disk, rename."""

from __future__ import annotations

import errno
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

_FULL = (
    "no space left on device",
    "os error 28",
    "disk quota exceeded",
    "os error 122",
    "not enough free space to write",
    "enforce fail at inline_container",
    "pytorchstreamwriter failed writing",
)
"""What safetensors, numpy and torch say where the system says ENOSPC or EDQUOT."""
OLD = ".old"
"""What the hidden name of a folder ends with while another one takes its place."""
_ENDLESS = re.compile(r"\d{4301}")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_DEEPEST = 500


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; it takes the name ``path`` only if the block succeeds.

    Raises:
        TunesmithError: when the folder cannot be written or the disk is full; nothing is left behind.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path.with_name(path.name[:80]), path.suffix)
        temporary.touch(exist_ok=False)  # with the permissions that the user's umask leaves
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
        temporary = None
    except Exception as error:
        _explain(error, path)
        raise
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Like :func:`atomic_path` for a whole folder; an older folder of that name is replaced."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path)
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob("*"):
            if file.is_file():
                sync(file)
        old = path.with_name(f".{path.name}{OLD}")
        shutil.rmtree(old, ignore_errors=True)
        if path.exists():
            os.replace(path, old)
        try:
            os.replace(temporary, path)
        except OSError:
            if old.exists():
                os.replace(old, path)
            raise
        shutil.rmtree(old, ignore_errors=True)
        temporary = None
    except Exception as error:
        _explain(error, path)
        raise
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path, suffix: str = "") -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{suffix}")


def write_text(path: Path, text: str) -> None:
    r"""Write UTF-8 text atomically.

    A byte of a file's name that is not UTF-8 (Python carries it as a lone surrogate) is written as ``\udcXX``, which
    JSON and quoted YAML read back as the same name.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")


def copy_file(path: Path, target: Path) -> None:
    """Copy a file's bytes atomically, however large it is."""
    with atomic_path(target) as temporary:
        shutil.copyfile(path, temporary)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as readable JSON, atomically; NaN and infinity are refused."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


class DamagedFileError(TunesmithError):
    """A file that is there and does not hold what it should."""


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        DamagedFileError: when it is not JSON, with its line.
        TunesmithError: when it is missing or cannot be read.
    """
    try:
        return parse_json(path.read_text(encoding="utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise DamagedFileError(
            msg("this file is not UTF-8 text"), where=str(path), remedy=msg("Save it as UTF-8.")
        ) from error
    except OSError as error:
        raise explain_os_error(error, path) from error


class DiskFullError(TunesmithError):
    """The disk is full."""

    def __init__(self, where: str) -> None:
        what, remedy = msg("the disk is full"), msg("Free some space, then run the same command again.")
        super().__init__(what, where=where, remedy=remedy)


def _explain(error: Exception, path: Path) -> None:
    """Raise a sentence of what the system refused while ``path`` was written; any other error stays what it is."""
    if is_disk_full(error):
        raise DiskFullError(str(path)) from error
    if isinstance(error, OSError):
        raise explain_os_error(error, path) from error


def is_disk_full(error: BaseException) -> bool:
    """Whether an exception means that the disk is full; libraries that write have words of their own for it."""
    if isinstance(error, TunesmithError):
        return isinstance(error, DiskFullError)
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    said = str(error).lower()
    return any(words in said for words in _FULL)


def parse_json(text: str, path: Path, line: int = 1) -> Any:
    """The JSON value in a text that stands in a file, from ``line`` on.

    Raises:
        DamagedFileError: for what is not JSON, is nested without end, or holds a number without end, with its line.
    """
    reason: str | Message
    cause: Exception
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason, position, cause = error.msg, error.pos, error
    except RecursionError as error:
        reason, position, cause = msg("it is nested too deeply"), _too_deep(text), error
    except ValueError as error:  # Python converts no longer numbers, as that would take for ever
        found = _ENDLESS.search(text)
        reason, position, cause = msg("a number in it is too long"), found.start() if found else 0, error
    raise DamagedFileError(
        msg("this file is not JSON ({reason})", reason=reason),
        where=f"{path}:{line + text.count(chr(10), 0, position)}",
        remedy=msg("Correct it, or write it anew."),
    ) from cause


def _too_deep(text: str) -> int:
    """Where a JSON text is nested more deeply than anything that people write."""
    depth = 0
    for token in _BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
        if depth > _DEEPEST:
            return token.start()
    return 0


def explain_os_error(error: OSError, path: Path) -> TunesmithError:
    """Turn an operating-system error into a sentence with a remedy."""
    where = str(error.filename2 or error.filename or path)  # of a rename, the name that was wanted
    remedy = msg("Check the path.")
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return DiskFullError(where)
        case errno.EROFS | errno.EACCES | errno.EPERM:
            what, remedy = msg("no permission to use this path"), msg("Choose a folder you may write to.")
        case errno.ENOENT:
            what = msg("no such file or folder")
        case errno.ENOTDIR:
            what = msg("part of this path is a file, not a folder")
        case _:
            what, remedy = Message.fixed(f"{error.strerror or error}"), msg("Check the path and the disk.")
    return TunesmithError(what, where=where, remedy=remedy)


def cache_home() -> Path:
    """Where what was downloaded is kept: ``tunesmith`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else Path.home() / ".cache") / "tunesmith"


def sync(path: Path) -> None:
    """Make a file's bytes reach the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())

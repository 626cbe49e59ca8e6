"""Which ears are on this machine, and where."""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from tunesmith.ears.catalogue import Ear, install_command
from tunesmith.errors import TunesmithError
from tunesmith.files import cache_home
from tunesmith.records.ear import InstalledEar
from tunesmith.texts import msg

VARIABLE = "TUNESMITH_EARS"
RECORD = "ear.json"


def ears_folder() -> Path:
    """Where ears are kept: ``$TUNESMITH_EARS``, else ``tunesmith/ears`` in the user's cache."""
    given = os.environ.get(VARIABLE, "")
    return Path(given).expanduser() if given else cache_home() / "ears"


def record_of(ear: Ear) -> InstalledEar | None:
    """What is noted of an installed ear; ``None`` where it is not there, or of another version of its package."""
    path = ears_folder() / ear.name / RECORD
    if not path.is_file():
        return None
    try:
        record = InstalledEar.read(path)
    except TunesmithError:
        return None
    return record if record.sha256 == ear.sha256 and record.files.keys() == ear.files.keys() else None


def is_installed(ear: Ear) -> bool:
    """Whether its weights are here."""
    return record_of(ear) is not None


def lacks_library(ear: Ear) -> bool:
    """Whether the library that runs it is missing."""
    return bool(ear.library) and find_spec(ear.library) is None


def is_usable(ear: Ear) -> bool:
    """Whether its weights are here and what runs them is installed."""
    return not lacks_library(ear) and is_installed(ear)


def changed_file(ear: Ear) -> Path | None:
    """A file of an installed ear that is gone or is not what was installed; ``None`` where all are whole."""
    record = record_of(ear)
    for name, digest in (record.files if record else {}).items():
        path = ears_folder() / ear.name / name
        if not path.is_file() or file_digest(path) != digest:
            return path
    return None


def weights_of(ear: Ear) -> Path:
    """The folder of an installed ear, every file of it held against its checksum.

    Raises:
        TunesmithError: when the ear is not here, or a file of it has changed.
    """
    if not is_installed(ear):
        raise TunesmithError(
            msg("the ear `{name}` is not installed", name=ear.name),
            where=str(ears_folder()),
            remedy=msg("Run: {command}", command=install_command(ear)),
        )
    changed = changed_file(ear)
    if changed is not None:
        raise TunesmithError(
            msg("this file of the ear `{name}` is not what was installed", name=ear.name),
            where=str(changed),
            remedy=msg("Run: {command}", command=install_command(ear)),
        )
    return ears_folder() / ear.name


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=64)
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

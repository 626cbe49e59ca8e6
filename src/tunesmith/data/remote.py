"""Clips that lie in a bucket or on a web server: a copy of them is kept in the user's cache, and that is what is read.

Addresses are fsspec's (``s3://bucket/clips``, ``gs://…``, ``hf://datasets/…``, ``https://…``). Nothing is written
there. The copy may be deleted at any moment; it is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, unquote

from tunesmith.audio.decode import is_audio
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path, cache_home, read_json, write_json
from tunesmith.texts import Message, msg

LISTING = "listing.json"
"""Beside the copy: what was copied, so that only what has changed is fetched again."""
MOST_BYTES = 16 * 2**20
"""Of a file that is not audio: captions and lists are smaller, and what is larger is none of them."""
_SAVED_EVERY = 50
_CHANGES = ("ETag", "etag", "md5Hash", "checksum", "LastModified", "last_modified", "mtime", "updated", "created")
"""What file systems say of a file that differs once it is another one."""


def is_remote(folder: str) -> bool:
    """Whether this is an address and not a path."""
    return "://" in folder


def local_place(folder: str) -> Path:
    """Where the clips of a folder are read: the folder itself, or the copy of what lies at an address.

    Raises:
        TunesmithError: for an address that is too long for a folder's name, or that names nothing.
    """
    if not is_remote(folder):
        return Path(folder)
    name = PurePosixPath(_spelled(folder, folder.partition("://")[2].rstrip("/"))).name
    key = quote(folder.rstrip("/"), safe="", errors="surrogateescape")
    if not name or name in (".", "..") or len(key) > 240:
        raise TunesmithError(
            msg("this address cannot be read"),
            where=folder,
            remedy=msg("Name a folder of clips, as in s3://bucket/clips."),
        )
    return cache_home() / "remote" / key / name


def is_copied(folder: str) -> bool:
    """Whether all that lies at an address was copied once, and the copy is there."""
    place = local_place(folder)
    return place.is_dir() and bool(_known(place).get("complete"))


def copy_remote(folder: str, progress: Callable[[int], Callable[[], None]]) -> None:
    """Bring the copy of what lies at an address up to date: fetch what is new or has changed, drop what is gone.

    Interrupted, it goes on where it was: files are whole or not there.

    Args:
        folder: The address.
        progress: Is told how many files will be fetched; what it gives is called after each.

    Raises:
        TunesmithError: when the address cannot be read, or the copy not be written.
    """
    place = local_place(folder)
    system, found = _listed(folder)
    known = dict(_known(place).get("files") or {})
    missing = [name for name, (_, state) in found.items() if known.get(name) != state or not (place / name).is_file()]
    _drop(place, known.keys() - found.keys())
    known = {name: state for name, state in known.items() if name in found and name not in missing}
    place.mkdir(parents=True, exist_ok=True)
    done = progress(len(missing))
    try:
        for count, name in enumerate(missing, 1):
            address, state = found[name]
            _fetch(system, address, place / name, folder)
            known[name] = state
            if count % _SAVED_EVERY == 0:
                _write(place, known, complete=False)
            done()
    finally:
        _write(place, known, complete=len(known) == len(found))


def _known(place: Path) -> Mapping[str, Any]:
    with suppress(OSError, TunesmithError):
        record = read_json(place.parent / LISTING)
        return record if isinstance(record, dict) else {}
    return {}


def _write(place: Path, files: Mapping[str, str], *, complete: bool) -> None:
    write_json(place.parent / LISTING, {"complete": complete, "files": dict(files)})


def _listed(folder: str) -> tuple[Any, dict[str, tuple[str, str]]]:
    """The file system, and by name the address of each file that clips may need, and its state."""
    try:
        from fsspec.core import url_to_fs

        system, root = url_to_fs(folder.rstrip("/") + ("/" if folder.startswith("http") else ""))
        system.invalidate_cache()
        listed = system.find(root, detail=True)
    except ImportError as error:  # what is missing is in fsspec's own sentence
        raise TunesmithError(
            msg("a library for this address is missing ({reason})", reason=str(error)),
            where=folder,
            remedy=msg('Run: pip install "tunesmith[s3]", or [gcs] or [http].'),
        ) from error
    except Exception as error:  # every file system has its own
        raise _unreadable(folder, error) from error
    found = dict(_wanted(folder, root, listed))
    if not found:
        raise TunesmithError(
            msg("there are no files"), where=folder, remedy=msg("Check the address and the connection.")
        )
    return system, found


def _spelled(folder: str, name: str) -> str:
    """A name as lists of clips have it: web servers give it with ``%20`` for a space."""
    return unquote(name) if folder.startswith("http") else name


def _wanted(folder: str, root: str, listed: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, tuple[str, str]]]:
    for address, facts in listed.items():
        name = _spelled(folder, address.removeprefix(root.rstrip("/"))).lstrip("/")
        parts = PurePosixPath(name).parts
        if not parts or facts.get("type") == "directory" or any(part.startswith(".") for part in parts):
            continue
        size = facts.get("size")
        if is_audio(Path(name)) or size is None or size <= MOST_BYTES:
            states = [str(facts[key]) for key in _CHANGES if facts.get(key) is not None]
            yield name, (address, json.dumps([size, *states]))


def _fetch(system: Any, address: str, target: Path, folder: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(target) as temporary:
        try:
            system.get_file(address, str(temporary))
        except Exception as error:
            raise _unreadable(folder, error) from error


def _drop(place: Path, names: set[str]) -> None:
    for name in names:
        if ".." not in PurePosixPath(name).parts:
            (place / name).unlink(missing_ok=True)


def _unreadable(folder: str, error: Exception) -> TunesmithError:
    reason = Message.fixed(str(error).strip().partition("\n")[0] or type(error).__name__)
    return TunesmithError(
        msg("this address cannot be read ({reason})", reason=reason),
        where=folder,
        remedy=msg("Check the address, the connection and your access; what is copied stays."),
    )

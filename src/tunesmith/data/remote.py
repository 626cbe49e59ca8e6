"""Clips that lie in a bucket or on a web server: a copy of them is kept in the user's cache, and that is what is read.

Addresses are fsspec's (``s3://bucket/clips``, ``gs://…``, ``hf://datasets/…``, ``https://…``). Nothing is written
there. The copy may be deleted at any moment; it is made again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
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
_CHANGES = (
    *("ETag", "etag", "md5Hash", "checksum", "blob_id", "sha", "Content-MD5", "Digest"),
    *("LastModified", "last_modified", "Last-Modified", "mtime", "modify", "updated", "created"),
)
"""What file systems say of a file that differs once it is another one."""
_NOTHING_SAID = "null"
"""The state of a file of which not even the size is told: it is fetched anew whenever the address is looked at."""
_ASKED_AT_ONCE = 16
"""Files that a server is asked about one by one, where its list of them says too little."""

_Entry = tuple[str, str, Mapping[str, Any]]
"""A file's name, its address, and what is said of it."""


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
    record = _known(place)
    known = dict(record.get("files") or {})
    doubted = {_NOTHING_SAID} if record.get("complete") else set()
    missing = [
        name
        for name, (_, state) in found.items()
        if known.get(name) != state or state in doubted or not (place / name).is_file()
    ]
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
        listed = _walked(system, root) if _walks(system) else system.find(root, detail=True)
    except ImportError as error:  # what is missing is in fsspec's own sentence
        raise TunesmithError(
            msg("a library for this address is missing ({reason})", reason=str(error)),
            where=folder,
            remedy=msg('Run: pip install "tunesmith[s3]", or [gcs] or [http].'),
        ) from error
    except Exception as error:  # every file system has its own
        raise _unreadable(folder, error) from error
    found = dict(_wanted(_told_of(folder, system, _named(folder, root, listed))))
    if not found:
        raise TunesmithError(
            msg("there are no files"), where=folder, remedy=msg("Check the address and the connection.")
        )
    return system, found


def _walks(system: Any) -> bool:
    """Whether ``find`` of a file system goes from folder to folder, and takes one that it cannot read for empty."""
    from fsspec.asyn import AsyncFileSystem
    from fsspec.spec import AbstractFileSystem

    if isinstance(system, AsyncFileSystem):
        return type(system)._find is AsyncFileSystem._find
    return type(system).find is AbstractFileSystem.find


def _walked(system: Any, root: str) -> dict[str, Mapping[str, Any]]:
    """Every file below ``root``; nothing where that is not there. A folder below it that cannot be read is an error."""
    found: dict[str, Mapping[str, Any]] = {}
    folders, seen = [root], {root.rstrip("/")}
    while folders:
        try:
            listed = system.ls(folders.pop(), detail=True)
        except FileNotFoundError:
            if found or len(seen) > 1:
                raise
            return {}
        for facts in listed:
            name = facts["name"]
            if facts["type"] != "directory":
                found[name] = facts
            elif name.rstrip("/") not in seen:
                seen.add(name.rstrip("/"))
                folders.append(name)
    return found


def _spelled(folder: str, name: str) -> str:
    """A name as lists of clips have it: web servers give it with ``%20`` for a space."""
    return unquote(name) if folder.startswith("http") else name


def _named(folder: str, root: str, listed: Mapping[str, Mapping[str, Any]]) -> Iterator[_Entry]:
    """The files that are listed, without hidden ones and what a web server's page links to beside them."""
    for address, facts in listed.items():
        name = _spelled(folder, address.removeprefix(root.rstrip("/"))).lstrip("/")
        parts = PurePosixPath(name).parts
        linked = folder.startswith("http") and ("?" in address or "#" in address)  # such as the order of its list
        if parts and not linked and facts.get("type") != "directory" and not any(p.startswith(".") for p in parts):
            yield name, address, facts


def _told_of(folder: str, system: Any, named: Iterable[_Entry]) -> list[_Entry]:
    """The same with what the file system says of each file alone, where its list has no size, or no mark of changes."""

    def told(entry: _Entry) -> _Entry:
        name, address, facts = entry
        if facts.get("size") is not None and _changes(facts):
            return entry
        return name, address, {**facts, **system.info(address)}

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as threads:
        asked = [threads.submit(told, entry) for entry in named]
        try:
            return [each.result() for each in asked]
        except Exception as error:
            raise _unreadable(folder, error) from error
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _changes(facts: Mapping[str, Any]) -> list[str]:
    return [str(facts[key]) for key in _CHANGES if facts.get(key) is not None]


def _wanted(entries: Iterable[_Entry]) -> Iterator[tuple[str, tuple[str, str]]]:
    for name, address, facts in entries:
        size, states = facts.get("size"), _changes(facts)
        if is_audio(Path(name)) or size is None or size <= MOST_BYTES:
            yield name, (address, json.dumps([size, *states]) if states or size is not None else _NOTHING_SAID)


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
    said = error.__cause__ if isinstance(error, FileNotFoundError) and error.__cause__ else error  # a bare address else
    reason = Message.fixed(str(said).strip().partition("\n")[0] or type(said).__name__)
    return TunesmithError(
        msg("this address cannot be read ({reason})", reason=reason),
        where=folder,
        remedy=msg("Check the address, the connection and your access; what is copied stays."),
    )

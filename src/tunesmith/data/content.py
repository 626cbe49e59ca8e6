"""Names for content: equal bytes give equal keys wherever the file lies and whatever it is called."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar

from tunesmith.audio.parts import misleads_decoders
from tunesmith.data.sample import AudioRef
from tunesmith.files import explain_os_error

_SAMPLED = 1 << 20  # bytes read from each end of a large weights file
_READ_WHOLE = 1 << 26  # what is not larger is read from end to end
_MOST_KNOWN = 100_000  # files, of which each takes about 130 bytes
ValueT = TypeVar("ValueT")


def content_key(*parts: object) -> str:
    """A 32-digit hexadecimal key of any printable parts."""
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def key_of_many(parts: Iterable[object]) -> str:
    """:func:`content_key` of parts that are too many to hold at once."""
    digest, between = hashlib.blake2b(digest_size=16), ""
    for part in parts:
        digest.update(f"{between}{part}".encode("utf-8", "surrogatepass"))
        between = "\x1f"
    return digest.hexdigest()


def audio_key(ref: AudioRef) -> str:
    """Key of the audio a reference covers: the file's bytes and the span."""
    path = Path(ref.path)
    return content_key(file_digest(path), ref.start, ref.end, *_reading(path))


def _reading(path: Path) -> tuple[str, ...]:
    """Sets files apart that versions up to 0.1 read in part: what was encoded of them then is not what they hold."""
    stat = path.stat()
    return ("whole",) if _misleading.of(path, stat, lambda: stat.st_size > 0 and misleads_decoders(path)) else ()


class KnownFiles(Generic[ValueT]):
    """What is known of many files while their size and time stay the same, by keys that take little memory."""

    def __init__(self) -> None:
        self.values: dict[bytes, ValueT] = {}

    def of(self, path: Path, stat: os.stat_result, find: Callable[[], ValueT]) -> ValueT:
        """The value of a file, found the first time; of too many files the oldest is forgotten."""
        state = f"{path}\x1f{stat.st_size}\x1f{stat.st_mtime_ns}".encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(state, digest_size=12).digest()
        if key not in self.values:
            value = find()
            if len(self.values) >= _MOST_KNOWN:
                del self.values[next(iter(self.values))]
            self.values[key] = value
        return self.values[key]


_misleading, _digests = KnownFiles[bool](), KnownFiles[bytes]()


def file_digest(path: Path) -> str:
    """Digest of a whole file; read once per process while size and time stay the same.

    Raises:
        TunesmithError: when the file cannot be read.
    """
    try:
        return _digests.of(path, path.stat(), lambda: _digest(path)).hex()
    except OSError as error:
        raise explain_os_error(error, path) from error


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


def ends_digest(path: Path) -> str:
    """Digest of a file that may be large: of all of it up to 64 MiB, else of its size and its first and last MiB.

    Raises:
        TunesmithError: when the file cannot be read.
    """
    try:
        size = path.stat().st_size
        if size <= _READ_WHOLE:
            return file_digest(path)
        return content_key(size, *(hashlib.blake2b(end, digest_size=16).hexdigest() for end in _ends(path, size)))
    except OSError as error:
        raise explain_os_error(error, path) from error


def _ends(path: Path, size: int) -> tuple[bytes, bytes]:
    with path.open("rb") as file:
        first = file.read(_SAMPLED)
        file.seek(max(0, size - _SAMPLED))
        return first, file.read(_SAMPLED)


@lru_cache(maxsize=64)
def weights_digest(folder: Path) -> str:
    """Digest of a checkpoint folder: its configs whole, its weights by size and both ends.

    Reading gigabytes to learn that nothing changed would cost more than what it saves; both ends of a safetensors file
    hold its header (every name and shape) and its last tensor.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(folder.glob("*")):
        if path.suffix in {".json", ".model"}:
            digest.update(os.fsencode(path.name) + path.read_bytes())
        elif path.suffix in {".safetensors", ".bin"}:
            size = path.stat().st_size
            digest.update(os.fsencode(f"{path.name}{size}"))
            for end in _ends(path, size):
                digest.update(end)
    return digest.hexdigest()


def checkpoint_content(folder: Path) -> str:
    """A checkpoint by its content, with that of the parts that lie in folders of their own."""
    parts = [folder, *sorted(path for path in folder.rglob("*") if path.is_dir())]
    return f"{folder.name} ({content_key(*(weights_digest(part) for part in parts))[:8]})"


def base_content(path: str) -> str:
    """A base model in a local folder by its content, so that it may be moved; nothing where the path is a name."""
    folder = Path(path)
    return f"{folder.name} ({weights_digest(folder)[:8]})" if folder.is_dir() else ""

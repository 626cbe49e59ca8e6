"""The encoded store: every frozen encoder runs once per content, and training reads the result without copying it.

Each field is a folder of packed shards (raw array bytes, appended) and one ``index.npy``, sorted by key. Both are
memory-mapped, so a worker's private memory does not grow with the number of clips, and a crop reads only its window.
The index keeps a checksum of every entry, compared when the entry is first read: flipped bytes are never trained on.
"""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from tunesmith.data.fields import FieldSpec
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path, explain_os_error, sync
from tunesmith.texts import msg

SHARD_BYTES = 256 << 20
HIGH, LOW, SHARD, NDIM, OFFSET, SHAPE = 0, 1, 2, 3, 4, 5
CHECK = SHAPE + 4
COLUMNS = CHECK + 1
"""The index is one table of 64-bit numbers stored by column, so that a search in the first column copies nothing."""
_AT_ONCE = 4096
"""Keys that are looked up together."""
_KNOWN = 1 << 32
"""Set in a checksum that is known; entries of an index from before there were any have 0."""


class FieldStore:
    """One field of the store.

    Args:
        folder: Where shards and index lie.
        spec: Name, dtype and time axis of the field.
    """

    def __init__(self, folder: Path, spec: FieldSpec) -> None:
        self.folder, self.spec = folder, spec
        self.dtype = np.dtype(spec.dtype)
        self._shards: dict[int, np.memmap | None] = {}
        self._pending: list[list[int]] = []
        self._pending_keys: set[tuple[int, int]] = set()
        self._open()

    def _open(self) -> None:
        path = self.folder / "index.npy"
        try:
            self.index = np.load(path, mmap_mode="r") if path.exists() else np.empty((0, COLUMNS), np.uint64, order="F")
        except (ValueError, EOFError):  # what it named is encoded again, as if it had never been
            self.index = np.empty((0, COLUMNS), np.uint64, order="F")
        if self.index.dtype != np.uint64 or self.index.ndim != 2 or self.index.shape[1] not in (CHECK, COLUMNS):
            raise TunesmithError(
                msg("this cache was written by another version"),
                where=str(self.folder),
                remedy=msg("Delete the cache folder; it is made again."),
            )
        if self.index.shape[1] == CHECK:
            unknown = np.zeros((len(self.index), 1), np.uint64)
            self.index = np.asfortranarray(np.concatenate([self.index, unknown], axis=1))
        self._verified = np.zeros(len(self.index), bool)

    def __len__(self) -> int:
        return len(self.index)

    def row(self, key: str) -> int:
        """The index row of ``key`` (32 hexadecimal digits), or -1."""
        high, low = _halves(key)
        at = int(np.searchsorted(self.index[:, HIGH], np.uint64(high)))
        while at < len(self.index) and int(self.index[at, HIGH]) == high:
            if int(self.index[at, LOW]) == low:
                return at
            at += 1
        return -1

    def rows(self, keys: Sequence[str]) -> np.ndarray:
        """:meth:`row` of many keys (int32)."""
        wanted = np.frombuffer(bytes.fromhex("".join(key[:32] for key in keys)), ">u8").astype(np.uint64).reshape(-1, 2)
        rows = np.searchsorted(self.index[:, HIGH], wanted[:, 0])
        there = np.minimum(rows, len(self.index) - 1)
        hit = np.zeros(len(keys), bool)
        if len(self.index):
            hit = (self.index[there, HIGH] == wanted[:, 0]) & (self.index[there, LOW] == wanted[:, 1])
        for place in np.flatnonzero(~hit).tolist():  # missing, or behind another key of the same first half
            rows[place] = self.row(keys[place])
        return rows.astype(np.int32)

    def extents(self, rows: np.ndarray, axis: int) -> np.ndarray:
        """What :meth:`shape` says of one axis for many rows (int32)."""
        extents: np.ndarray = np.asarray(self.index[:, SHAPE + axis])[rows].astype(np.int32)
        return extents

    def __contains__(self, key: str) -> bool:
        return _halves(key) in self._pending_keys or self.row(key) >= 0

    def shape(self, row: int) -> tuple[int, ...]:
        """The shape of the array in ``row``."""
        return tuple(int(n) for n in self.index[row, SHAPE : SHAPE + min(int(self.index[row, NDIM]), CHECK - SHAPE)])

    def read(self, row: int, start: int = 0, length: int | None = None) -> np.ndarray:
        """The array in ``row``, or ``length`` frames of it from ``start`` along the field's time axis.

        Returns a read-only view into the mapped file.

        Raises:
            DamagedEntryError: when its bytes are not those that were put; compared once for every entry.
        """
        raw, shape = self._bytes(row), self.shape(row)
        if raw is None or not (self._verified[row] or self.is_sound(row)):
            raise DamagedEntryError(self.folder, self.spec.name)
        self._verified[row] = True
        whole = raw.view(self.dtype).reshape(shape)
        if self.spec.time_axis is None or (start == 0 and length is None):
            return whole
        window = [slice(None)] * len(shape)
        window[self.spec.time_axis] = slice(start, None if length is None else start + length)
        return whole[tuple(window)]

    def is_sound(self, row: int) -> bool:
        """Whether the bytes of an entry are there and are those that were put."""
        raw, known = self._bytes(row), int(self.index[row, CHECK])
        return raw is not None and known in (0, _checksum(raw, self.shape(row)))

    def damaged(self) -> list[str]:
        """Keys of the entries that are not sound; reads every one, at the pace of crc32 (about 1 GB/s)."""
        rows = [row for row in range(len(self.index)) if not self.is_sound(row)]
        return [f"{int(self.index[row, HIGH]):016x}{int(self.index[row, LOW]):016x}" for row in rows]

    def _bytes(self, row: int) -> np.ndarray | None:
        shard, offset = self._shard(int(self.index[row, SHARD])), int(self.index[row, OFFSET])
        end = offset + math.prod(self.shape(row)) * self.dtype.itemsize
        return None if shard is None or end > len(shard) or offset % self.dtype.itemsize else shard[offset:end]

    def _shard(self, number: int) -> np.memmap | None:
        """The bytes of a shard; ``None`` where its file is gone or empty."""
        if number not in self._shards:
            path = self._shard_path(number)
            there = path.exists() and path.stat().st_size > 0
            self._shards[number] = np.memmap(path, dtype=np.uint8, mode="r") if there else None
        return self._shards[number]

    def _shard_path(self, number: int) -> Path:
        return self.folder / f"shard-{number:05d}.bin"

    def put(self, key: str, array: np.ndarray) -> None:
        """Append an array; it counts only after :meth:`flush`.

        Raises:
            TunesmithError: disk full or folder not writable; what was flushed before stays.
        """
        array = np.ascontiguousarray(array, dtype=self.dtype)
        if array.ndim > CHECK - SHAPE or array.size == 0:
            raise ValueError(f"{self.spec.name}: cannot store an array of shape {array.shape}")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            number = self._writable_shard()
            with self._shard_path(number).open("ab") as file:
                offset = file.seek(0, os.SEEK_END)
                padding = -offset % self.dtype.itemsize  # an interrupted write may have left part of a number
                file.write(b"\0" * padding + array.tobytes())
        except OSError as error:
            raise explain_os_error(error, self.folder) from error
        high, low = _halves(key)
        shape = (*array.shape, 0, 0, 0, 0)[: CHECK - SHAPE]
        check = _checksum(array, array.shape)
        self._pending.append([high, low, number, array.ndim, offset + padding, *shape, check])
        self._pending_keys.add((high, low))

    def _writable_shard(self) -> int:
        number = max((int(p.stem.split("-")[1]) for p in self.folder.glob("shard-*.bin")), default=0)
        path = self._shard_path(number)
        return number + 1 if path.exists() and path.stat().st_size >= SHARD_BYTES else number

    def flush(self) -> None:
        """Make everything put so far part of the index: shards reach the disk before the index names them."""
        if not self._pending:
            return
        pending = np.array(self._pending, np.uint64)
        for number in np.unique(pending[:, SHARD]):
            sync(self._shard_path(int(number)))
        self._write(np.concatenate([np.asarray(self.index), pending]))

    def discard(self, keys: Collection[str]) -> None:
        """Take entries out of the index, so that they count as not encoded."""
        rows = [self.row(key) for key in keys]
        if rows:
            self._write(np.delete(np.asarray(self.index), rows, axis=0))

    def seal(self) -> None:
        """Give entries of an index from before there were checksums theirs, from the bytes as they are now."""
        unknown = np.flatnonzero(np.asarray(self.index[:, CHECK]) == 0)
        rows = np.array(self.index)
        for row in unknown:
            raw = self._bytes(int(row))
            if raw is not None:
                rows[row, CHECK] = _checksum(raw, self.shape(int(row)))
        if len(unknown):
            self._write(rows)

    def _write(self, rows: np.ndarray) -> None:
        rows = np.asfortranarray(rows[np.lexsort((rows[:, LOW], rows[:, HIGH]))])
        with atomic_path(self.folder / "index.npy") as temporary, temporary.open("wb") as file:
            np.save(file, rows)
        self._pending, self._pending_keys, self._shards = [], set(), {}
        self._open()


class DamagedEntryError(TunesmithError):
    """Encoded content that is not what was written: the disk or another program has changed it."""

    def __init__(self, folder: Path, field: str, clip: str = "") -> None:
        self.folder, self.field = folder, field
        what = msg("what the cache holds of a clip is damaged ({field})", field=field)
        named = msg("what the cache holds of {clip} is damaged ({field})", field=field, clip=clip)
        super().__init__(
            named if clip else what,
            where=str(folder),
            remedy=msg("`tunesmith encode RUN` encodes it again, and so does the next training command."),
        )


class EncodedStore:
    """All fields of a family's cache in one folder."""

    def __init__(self, folder: Path, specs: Iterable[FieldSpec]) -> None:
        self.folder = folder
        self.fields = {spec.name: FieldStore(folder / spec.name, spec) for spec in specs}

    def missing(self, keys: dict[str, str]) -> list[str]:
        """Which of ``{field: key}`` are not in the store."""
        return [name for name, key in keys.items() if key not in self.fields[name]]

    def put(self, keys: dict[str, str], arrays: dict[str, np.ndarray]) -> None:
        """Append encoded arrays by field."""
        for name, array in arrays.items():
            self.fields[name].put(keys[name], array)

    def flush(self) -> None:
        """Make everything put so far durable."""
        for field in self.fields.values():
            field.flush()

    @property
    def lost(self) -> list[str]:
        """Fields without a readable index."""
        return [name for name, field in self.fields.items() if not len(field)]

    def seal(self) -> None:
        """Give every entry that has none a checksum."""
        for field in self.fields.values():
            field.seal()

    def damaged(self) -> dict[str, list[str]]:
        """Keys of the damaged entries by field; reads the whole store."""
        found = {name: field.damaged() for name, field in self.fields.items()}
        return {name: keys for name, keys in found.items() if keys}

    def discard(self, keys: Mapping[str, Collection[str]]) -> None:
        """Take entries by field out of the store."""
        for name, found in keys.items():
            self.fields[name].discard(found)

    def rows(self, keys: Iterable[dict[str, str]]) -> dict[str, np.ndarray]:
        """Index rows (int32) per field for many items.

        Raises:
            TunesmithError: when an item is not encoded yet.
        """
        items, parts = iter(keys), {name: [np.zeros(0, np.int32)] for name in self.fields}
        while chunk := list(islice(items, _AT_ONCE)):
            for name, field in self.fields.items():
                parts[name].append(field.rows([item[name] for item in chunk]))
        rows = {name: np.concatenate(of_field) for name, of_field in parts.items()}
        missing = np.logical_or.reduce([of_field < 0 for of_field in rows.values()])
        if missing.any():
            raise TunesmithError(
                msg("{missing} of {count} clips are not encoded", missing=int(missing.sum()), count=len(missing)),
                where=str(self.folder),
                remedy=msg("Run the encode stage first."),
            )
        return rows


def _checksum(content: np.ndarray, shape: tuple[int, ...]) -> int:
    """CRC-32 of an entry's bytes and extents, marked as known; ``content`` is contiguous."""
    return zlib.crc32(repr(shape).encode(), zlib.crc32(content.data)) | _KNOWN


def _halves(key: str) -> tuple[int, int]:
    return int(key[:16], 16), int(key[16:32], 16)

"""A manifest as training reads it: memory-mapped, so that a million clips take next to no memory of a process's own.

Beside ``manifest.jsonl``, which people read and edit, lies ``manifest.arrow``: the same lines in Arrow's file format,
with what is asked of many clips at once in columns of its own, and behind it a checksum. It names the content that it
was made of, is made anew where that is another one, and may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import os
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast, overload

import numpy as np

from tunesmith.data.content import KnownFiles, file_digest
from tunesmith.data.replay import is_replay
from tunesmith.data.sample import Sample, Split, manifest_lines
from tunesmith.data.samples import Ids, Samples
from tunesmith.files import atomic_path

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 4096
"""Lines of one batch of the file; all but the last have as many, so that a line is found by its number."""
FORMAT = 1
"""Raised with the columns."""
_CHECK_BYTES = 16
_ID, _LINE, _SPLIT, _REPLAY, _SECONDS = range(5)
_SIDES: dict[Split | None, int] = {None: 0, "train": 1, "valid": 2}
_sound = KnownFiles[bool]()


class MappedIds(Ids):
    """Ids of some lines of a mapped manifest."""

    def __init__(self, samples: MappedSamples) -> None:
        self._samples = samples

    def __len__(self) -> int:
        return len(self._samples)

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> MappedIds: ...
    def __getitem__(self, place: int | slice) -> str | MappedIds:
        """One id, or the ids of a slice."""
        if isinstance(place, slice):
            return MappedIds(self._samples[place])
        return _text(self._samples.cell(_ID, place))

    def order(self) -> np.ndarray:
        """Their places in order of name; UTF-8 sorts as its characters do."""
        import pyarrow as pa
        import pyarrow.compute as pc

        rows = self._samples.rows
        column = pa.chunked_array([batch.column(_ID) for batch in self._samples.batches], pa.binary())
        every = _content(pc.sort_indices(column), np.uint64).astype(np.int32)
        pa.default_memory_pool().release_unused()
        place_of = np.full(len(every), -1, np.int32)
        place_of[rows] = np.arange(len(rows), dtype=np.int32)
        places: np.ndarray = place_of[every]
        return places[places >= 0]


class MappedSamples(Samples):
    """Some lines of a mapped manifest; each sample is made of its line when it is asked for.

    Args:
        batches: Of the whole file.
        rows: Numbers of the lines, ascending.
    """

    def __init__(self, batches: Sequence[pa.RecordBatch], rows: np.ndarray) -> None:
        self.batches, self.rows = batches, rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> MappedSamples: ...
    def __getitem__(self, place: int | slice) -> Sample | MappedSamples:
        """One sample, or those of a slice."""
        if isinstance(place, slice):
            return MappedSamples(self.batches, self.rows[place])
        return Sample.from_checked(json.loads(self.cell(_LINE, place)))

    @property
    def ids(self) -> MappedIds:
        """The id of every sample."""
        return MappedIds(self)

    @property
    def is_replay(self) -> np.ndarray:
        """Which samples are from the replay set (bool)."""
        return self._column(_REPLAY).astype(bool)

    @property
    def seconds(self) -> np.ndarray:
        """Seconds of what is learnt of every sample (float64)."""
        return self._column(_SECONDS)

    def is_in(self, split: Split) -> np.ndarray:
        """Which samples are on one side of the split (bool)."""
        found: np.ndarray = self._column(_SPLIT) == _SIDES[split]
        return found

    def where(self, chosen: np.ndarray) -> MappedSamples:
        """The samples of which ``chosen`` (bool) is true."""
        return self if chosen.all() else MappedSamples(self.batches, self.rows[chosen])

    def cell(self, column: int, place: int) -> bytes:
        """The content of one cell."""
        batch, row = divmod(int(self.rows[place]), ROWS)
        return cast(bytes, self.batches[batch].column(column)[row].as_py())

    def _column(self, column: int) -> np.ndarray:
        kind = np.float64 if column == _SECONDS else np.uint8
        parts = [_content(batch.column(column), kind) for batch in self.batches]
        whole = np.concatenate(parts) if parts else np.zeros(0)
        return whole if len(whole) == len(self.rows) else whole[self.rows]


def map_manifest(path: Path) -> MappedSamples:
    """All samples of a manifest, by the mapped file beside it, which is made where it is missing or of another content.

    Raises:
        TunesmithError: naming ``file:line`` when a line is not a sample; when the file cannot be written.
    """
    content, beside = f"{FORMAT} {file_digest(path)}", path.with_suffix(".arrow")
    found = _opened(beside, content)
    if found is None and os.access(path.parent, os.W_OK):
        _write(beside, path, content)
        found = _opened(beside, content)
    if found is None:
        with tempfile.TemporaryDirectory() as folder:  # what is mapped stays until the process ends
            _write(Path(folder) / beside.name, path, content)
            found = _opened(Path(folder) / beside.name, content)
    assert found is not None, "it has just been written"
    return found


def those_of(samples: Sequence[Sample], chosen: np.ndarray) -> Sequence[Sample]:
    """The samples of which ``chosen`` (bool) is true."""
    if isinstance(samples, MappedSamples):
        return samples.where(chosen)
    return [samples[place] for place in np.flatnonzero(chosen).tolist()]


def samples_on(samples: Sequence[Sample], split: Split) -> Sequence[Sample]:
    """The samples on one side of the split."""
    if isinstance(samples, MappedSamples):
        return samples.where(samples.is_in(split))
    return [sample for sample in samples if sample.split == split]


def own_samples(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples that are the user's own."""
    if isinstance(samples, MappedSamples):
        return samples.where(~samples.is_replay)
    return [sample for sample in samples if not is_replay(sample)]


def replay_samples(samples: Sequence[Sample]) -> Sequence[Sample]:
    """The samples that are of the replay set."""
    if isinstance(samples, MappedSamples):
        return samples.where(samples.is_replay)
    return [sample for sample in samples if is_replay(sample)]


def _opened(path: Path, content: str) -> MappedSamples | None:
    """What lies there, if it was made of this content."""
    import pyarrow as pa

    try:
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            state = os.fstat(file.fileno())
        # Arrow itself would not notice damage. A process opens its manifest many times, and reads all of it once.
        if not _sound.of(path, state, lambda: _checksum(mapped[:-_CHECK_BYTES]) == mapped[-_CHECK_BYTES:]):
            return None
        reader = pa.ipc.open_file(pa.py_buffer(mapped[:-_CHECK_BYTES]))
        if (reader.schema.metadata or {}).get(b"content") != content.encode():
            return None
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except (OSError, ValueError, pa.ArrowException):  # missing or empty
        return None
    return MappedSamples(batches, np.arange(sum(map(len, batches)), dtype=np.int32))


def _write(path: Path, manifest: Path, content: str) -> None:
    import pyarrow as pa

    fields = [("id", pa.binary()), ("line", pa.large_binary()), ("split", pa.uint8()), ("replay", pa.uint8())]
    schema = pa.schema([*fields, ("seconds", pa.float64())], {"content": content})
    with atomic_path(path) as temporary:
        with temporary.open("wb") as file, pa.ipc.new_file(file, schema) as writer:
            lines = manifest_lines(manifest)
            while rows := [_row(line, sample) for line, sample in islice(lines, ROWS)]:
                ids, texts, *numbers = zip(*rows, strict=True)
                arrays = [_joined(ids, pa.binary(), np.int32), _joined(texts, pa.large_binary(), np.int64)]
                arrays += [_numbers(found, kind) for found, kind in zip(numbers, schema.types[2:], strict=True)]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
        with temporary.open("rb") as made, mmap.mmap(made.fileno(), 0, access=mmap.ACCESS_READ) as written:
            check = _checksum(written)
        with temporary.open("ab") as end:
            end.write(check)
    pa.default_memory_pool().release_unused()


def _content(column: pa.Array, kind: type[np.generic]) -> np.ndarray:
    """A column of numbers, none of which is missing (pyarrow's own ways to NumPy and from lists import pandas)."""
    found: np.ndarray = np.frombuffer(column.buffers()[1], kind, len(column) + column.offset)[column.offset :]
    return found


def _joined(texts: Sequence[bytes], kind: pa.DataType, offsets: type[np.integer]) -> pa.Array:
    """A column of bytes."""
    import pyarrow as pa

    ends = np.cumsum([0, *map(len, texts)], dtype=offsets)
    return pa.Array.from_buffers(kind, len(texts), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(texts))])


def _numbers(found: Sequence[float], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    content = np.array(found, kind.to_pandas_dtype())
    return pa.Array.from_buffers(kind, len(content), [None, pa.py_buffer(content)])


def _row(line: bytes, sample: Sample) -> tuple[Any, ...]:
    name = sample.id.encode("utf-8", "surrogatepass")
    return name, line, _SIDES[sample.split], int(is_replay(sample)), sample.seconds


def _checksum(content: memoryview | mmap.mmap) -> bytes:
    return hashlib.blake2b(content, digest_size=_CHECK_BYTES).digest()


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogatepass")

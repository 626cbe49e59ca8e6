"""Read the numbers of a TensorFlow checkpoint without TensorFlow: plain bytes, nothing in it is run.

A checkpoint is two files: an index, which is a sorted table of names (the format of LevelDB's tables, uncompressed)
whose values say by protocol buffers where each tensor lies, and the tensors' bytes one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FOOTER, _MAGIC = 48, bytes.fromhex("57fb808b247547db")
_FLOAT = 1
_TYPE, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5
_FIXED = {1: 8, 5: 4}


def read_tensors(index: Path, data: Path, wanted: Callable[[str], bool]) -> dict[str, NDArray[np.float32]]:
    """The float32 tensors of a checkpoint, by name.

    Args:
        index: Its index.
        data: The one file of its numbers.
        wanted: Which names are read.

    Raises:
        ValueError: when the files are no checkpoint of this kind, or one that is compressed.
        OSError: when they cannot be read.
    """
    table, numbers = index.read_bytes(), data.read_bytes()
    if len(table) < _FOOTER or not table.endswith(_MAGIC):
        raise ValueError("no table")
    try:
        return {name: tensor for name, tensor in _tensors(table, numbers) if wanted(name)}
    except IndexError as error:
        raise ValueError("cut off") from error


def _tensors(table: bytes, numbers: bytes) -> Iterator[tuple[str, NDArray[np.float32]]]:
    handles = _varints(table[-_FOOTER:], 4)
    for _, handle in _entries(table, *handles[2:]):
        for name, entry in _entries(table, *_varints(handle, 2)):
            known = dict(_fields(entry))
            if not name or known.get(_TYPE) != _FLOAT:  # the header of the checkpoint has no name
                continue
            dimensions = [dict(_fields(_bytes(each))).get(1, 0) for _, each in _fields(_bytes(known.get(_SHAPE, b"")))]
            start, size = _number(known.get(_OFFSET, 0)), _number(known.get(_SIZE, 0))
            values = np.frombuffer(numbers[start : start + size], "<f4")
            yield name.decode(), values.reshape([_number(each) for each in dimensions])


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block; each key leaves out what it has in common with the one before."""
    block = table[offset : offset + size]
    if table[offset + size]:
        raise ValueError("compressed")
    end = len(block) - 4 * (1 + int.from_bytes(block[-4:], "little"))
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        fresh, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + fresh]
        at += fresh
        yield key, block[at : at + length]
        at += length


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protocol buffer's fields."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind, value = tag & 7, 0
        if kind == 0:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        length = _FIXED.get(kind, 0)
        if kind == 2:
            length, at = _varint(message, at)
        elif not length:
            raise ValueError(f"field of type {kind}")
        yield tag >> 3, message[at : at + length]
        at += length


def _varints(data: bytes, count: int) -> list[int]:
    found, at = [], 0
    for _ in range(count):
        value, at = _varint(data, at)
        found.append(value)
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where the next one begins."""
    value = shift = 0
    while True:
        value |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 128:
            return value, at


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes in place of a number")
    return value


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number in place of bytes")
    return value

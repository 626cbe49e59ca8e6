"""The lines that were added to a ``metrics.jsonl``: by byte offset, so that a page asks for what is new alone."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.records.metrics import MetricLine, metric_line

MOST_BYTES = 4_000_000
"""Read at once; more is told by ``more``."""
_MARKED = 256
"""Bytes before an offset by which a reader sees that the file was written anew."""


@dataclass(frozen=True)
class Chunk:
    """What was read.

    Attributes:
        lines: Whole lines that are understood.
        at: The offset to go on from.
        mark: Of the bytes before it, to be given back with it.
        restarted: The file was written anew, and this is its beginning: what was read before does not count.
        more: There is more to read already.
        passed_over: Lines that are not understood.
    """

    lines: tuple[MetricLine, ...] = ()
    at: int = 0
    mark: str = ""
    restarted: bool = False
    more: bool = False
    passed_over: int = 0


def read_new(path: Path, after: int = 0, mark: str = "", most: int = MOST_BYTES) -> Chunk:
    """The lines behind an offset; a line that is not whole yet waits.

    Args:
        path: The file; without it there are no lines.
        after: Where the last answer ended.
        mark: What it said of the bytes before.
        most: Bytes to read.

    Raises:
        OSError: when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            restarted = after > size or bool(after and mark and _mark(file, after) != mark)
            start = 0 if restarted else max(0, after)
            file.seek(start)
            raw = file.read(most)
            whole = raw.rfind(b"\n") + 1
            if not whole and len(raw) == most:  # a line without end
                whole = most
            at = start + whole
            lines, refused = _lines(raw[:whole], path)
            return Chunk(lines, at, _mark(file, at), restarted, at < size and len(raw) == most, refused)
    except FileNotFoundError:
        return Chunk(restarted=after > 0)


def _lines(raw: bytes, path: Path) -> tuple[tuple[MetricLine, ...], int]:
    found: list[MetricLine] = []
    refused = 0
    for line in raw.splitlines():
        try:
            found.append(metric_line(json.loads(line), path))
        except (ValueError, RecursionError, TunesmithError):
            refused += bool(line.strip())
    return tuple(found), refused


def _mark(file: object, at: int) -> str:
    start = max(0, at - _MARKED)
    file.seek(start)  # type: ignore[attr-defined]
    return f"{zlib.crc32(file.read(at - start)):08x}"  # type: ignore[attr-defined]


@dataclass(frozen=True)
class TextTail:
    """The end of a text file, or what was added to it."""

    text: str
    at: int
    restarted: bool


def read_text(path: Path, after: int = 0, most: int = 32_000) -> TextTail:
    """What was added to a log behind an offset; its last bytes where that is more than fits, from a line's begin on.

    Raises:
        OSError: when the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            restarted = after > size
            start = 0 if restarted else max(0, after)
            cut = size - start > most
            file.seek(max(start, size - most))
            raw = file.read(most)
    except FileNotFoundError:
        return TextTail("", 0, restarted=after > 0)
    if cut:
        raw = raw[raw.find(b"\n") + 1 :]
    whole = len(raw) - _cut_letter(raw)
    at = size - (len(raw) - whole)
    return TextTail(raw[:whole].decode("utf-8", "replace"), at, restarted or (cut and after > 0))


def _cut_letter(raw: bytes) -> int:
    """Bytes at the end that are the beginning of a UTF-8 letter."""
    for back in range(1, min(4, len(raw)) + 1):
        byte = raw[-back]
        if byte >= 0xC0:
            return back if back < (2 if byte < 0xE0 else 3 if byte < 0xF0 else 4) else 0
        if byte < 0x80:
            return 0
    return 0

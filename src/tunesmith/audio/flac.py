"""FLAC as it lies in a file: streams that follow each other, and the number of samples where the header has it wrong.

A FLAC that was written into a pipe states 0 samples, one that was never closed fewer than it has. The last frame knows:
its header holds its number. Format: RFC 9639, sections 8.2 and 9.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from tunesmith.audio.tags import Content

_STREAM = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22", re.DOTALL)
_STREAM_INFO = 8  # bytes before its body
_LARGEST_FRAME = 1 << 20
_TOTAL_BITS = 36


@dataclass(frozen=True)
class FlacStream:
    """One stream: where it lies, the samples per channel that its header states, and those that its last frame shows.

    ``counted`` is ``None`` where no last frame was found whole: a file that is cut off, or ends in something else.
    """

    start: int
    stop: int
    stated: int
    counted: int | None

    def header(self, content: Content, samples: int) -> tuple[bytes, tuple[int, int]]:
        """The stream's first bytes stating ``samples``, and the range behind them."""
        behind = self.start + _STREAM_INFO + 18
        head = bytearray(content[self.start : behind])
        known = int.from_bytes(head[-8:], "big") >> _TOTAL_BITS << _TOTAL_BITS
        head[-8:] = (known | samples).to_bytes(8, "big")
        return bytes(head), (behind, self.stop)


def flac_streams(content: Content, start: int) -> list[FlacStream]:
    """The streams of a file that begins with one; none where the header is not whole."""
    starts = [match.start() for match in _STREAM.finditer(content, start)]
    found = []
    for first, stop in pairwise([*starts, len(content)]):
        info = content[first + _STREAM_INFO : first + _STREAM_INFO + 34]
        if len(info) == 34:
            stated = int.from_bytes(info[10:18], "big") & ((1 << _TOTAL_BITS) - 1)
            found.append(FlacStream(first, stop, stated, _counted(content, first, stop, info)))
    return found


def _counted(content: Content, start: int, stop: int, info: bytes) -> int | None:
    """Samples up to the end of the last frame of a stream."""
    stop -= 128 if content[stop - 128 : stop - 125] == b"TAG" else 0
    first = max(start, stop - _LARGEST_FRAME)
    tail = content[first:stop]
    stop_search = len(tail)
    while (at := max(tail.rfind(b"\xff\xf8", 0, stop_search), tail.rfind(b"\xff\xf9", 0, stop_search))) >= 0:
        count = _samples_before_end(tail[at : at + 16], int.from_bytes(info[:2], "big"))
        if count is not None and _crc16(tail[at:]) == 0:
            return count
        stop_search = at + 1
    return None


def _samples_before_end(head: bytes, block: int) -> int | None:
    """Samples from the stream's start to the end of the frame with this header; ``None`` where it is no header."""
    if len(head) < 16 or head[2] >> 4 == 0 or head[2] & 15 == 15 or head[3] >> 4 > 10 or head[3] & 1:
        return None
    number, position = _coded_number(head)
    if number is None:
        return None
    code, extra = head[2] >> 4, {6: 1, 7: 2}.get(head[2] >> 4, 0)
    if code == 1:
        size = 192
    elif code < 6:
        size = 576 << (code - 2)
    elif code < 8:
        size = int.from_bytes(head[position : position + extra], "big") + 1
    else:
        size = 256 << (code - 8)
    position += extra + {12: 1, 13: 2, 14: 2}.get(head[2] & 15, 0)
    if _crc8(head[: position + 1]):
        return None
    return size + (number if head[1] & 1 else number * block)


def _coded_number(head: bytes) -> tuple[int | None, int]:
    """The frame's or sample's number in UTF-8's manner from byte 4, and the position behind it."""
    ones = 8 - (head[4] ^ 0xFF).bit_length()
    if ones in (1, 8):
        return None, 4
    number = head[4] & (0x7F >> ones)
    for byte in head[5 : 5 + max(0, ones - 1)]:
        if byte >> 6 != 2:
            return None, 4
        number = number << 6 | byte & 0x3F
    return number, 5 + max(0, ones - 1)


def _crc8(content: bytes) -> int:
    value, table = 0, _crc_table(0x07, 8)
    for byte in content:
        value = table[value ^ byte]
    return value


def _crc16(content: bytes) -> int:
    value, table = 0, _crc_table(0x8005, 16)
    for byte in content:
        value = (value << 8 & 0xFF00) ^ table[value >> 8 ^ byte]
    return value


@lru_cache
def _crc_table(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            carry = value >> (bits - 1) & 1
            value = (value << 1 & (1 << bits) - 1) ^ (polynomial if carry else 0)
        table.append(value)
    return tuple(table)

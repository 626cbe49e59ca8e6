"""Files made of chunks (WAV, RF64, W64, AIFF, CAF), and AU: how much sound the header states, and how much is there.

A recorder that dies leaves a size of 0 or of its last save, and a broken copy leaves a size beyond the end; libsndfile
takes the first as it stands, and of some formats the second. So the chunks are walked, and where the stated size is
wrong, the decoder gets a header with the true one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith.audio.stitched import Piece
from tunesmith.audio.tags import Content, skip_tags

_OPEN_SIZE = 0x7FFFF000  # 32-bit sizes from here on are what ffmpeg and sox write when they stream and cannot know
_OPEN_LONG_SIZE = 1 << 60
_SHORT_SIZES = (b"RIFF", b"RIFX", b"FORM")
_AU_HEADER = 24
_LOOSE_BYTES = 16  # fewer bytes behind the sound are padding
_W64_ID = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_NOT_ZERO = re.compile(rb"[^\x00]")


@dataclass(frozen=True)
class ChunkFormat:
    """How a format writes its chunks.

    Attributes:
        magic: What its files begin with.
        first: Bytes before the first chunk.
        id_bytes: Length of a chunk's name.
        size: ``struct`` format of its size.
        align: Chunks begin at multiples of this.
        data: What the name of the chunk that holds the sound begins with.
        lead: Bytes of that chunk before the sound.
        counts_head: Whether a size counts the chunk's name and size too.
    """

    magic: bytes
    first: int
    id_bytes: int
    size: str
    align: int
    data: bytes
    lead: int = 0
    counts_head: bool = False

    @property
    def head(self) -> int:
        """Bytes of a chunk's name and size."""
        return self.id_bytes + struct.calcsize(self.size)


CHUNK_FORMATS = (
    ChunkFormat(b"RIFF", 12, 4, "<I", 2, b"data"),
    ChunkFormat(b"RIFX", 12, 4, ">I", 2, b"data"),
    ChunkFormat(b"RF64", 12, 4, "<I", 2, b"data"),
    ChunkFormat(b"FORM", 12, 4, ">I", 2, b"SSND", lead=8),
    ChunkFormat(b"caff", 8, 4, ">q", 1, b"data", lead=4),
    ChunkFormat(_W64_ID, 40, 16, "<Q", 8, b"data", counts_head=True),
)


@dataclass(frozen=True)
class ChunkedSound:
    """What one file holds.

    Attributes:
        pieces: What the decoder should read.
        promised: Bytes of sound that the header states; ``None`` where it leaves that open.
        held: Bytes of sound that are there.
        stop: Where the file ends; another one may follow.
        is_cut: Whether bytes are missing at its end, which is not so where the file's own size is right.
    """

    pieces: list[Piece]
    promised: int | None
    held: int
    stop: int
    is_cut: bool = False


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    start: int
    body: int
    size: int

    def is_plausible(self, content: Content) -> bool:
        """Whether this is a chunk and not what a decoder should make sound of: a name in letters, a size that fits."""
        name = self.name[:4]
        return name.isascii() and name.decode().isprintable() and 0 <= self.size <= len(content) - self.body


def chunked_sound(content: Content, start: int) -> ChunkedSound | None:
    """What the file that begins at ``start`` holds; ``None`` for another format, or one without a chunk of sound."""
    if content[start : start + 4] == b".snd" and len(content) >= start + _AU_HEADER:
        return _au(content, start)
    kind = next((f for f in CHUNK_FORMATS if content[start : start + len(f.magic)] == f.magic), None)
    if kind is None:
        return None
    before: dict[bytes, _Chunk] = {}
    for chunk in _chunks(content, start, start + kind.first, kind):
        if chunk.name.startswith(kind.data):
            return _measured(content, start, kind, before, chunk)
        before[chunk.name[:4]] = chunk
    return None


def _chunks(content: Content, origin: int, position: int, kind: ChunkFormat) -> Iterator[_Chunk]:
    """Chunks from a position on, as far as their headers are in the file."""
    while position + kind.head <= len(content):
        (size,) = struct.unpack(kind.size, content[position + kind.id_bytes : position + kind.head])
        size -= kind.head if kind.counts_head else 0
        yield _Chunk(content[position : position + kind.id_bytes], position, position + kind.head, size)
        if size < 0:
            return
        position += kind.head + size
        position += -(position - origin) % kind.align


def _measured(
    content: Content, start: int, kind: ChunkFormat, before: dict[bytes, _Chunk], data: _Chunk
) -> ChunkedSound:
    first = min(data.body + kind.lead, len(content))
    stated = _stated(content, kind, before, data)
    if stated is None or first + stated >= len(content):
        ranges, stop = [(first, len(content))], len(content)
    else:
        ranges, stop = _what_follows(content, start, kind, (first, first + stated))
    held = sum(b - a for a, b in ranges)
    is_understood = stated == held or (stated is None and kind.magic != b"caff")
    if is_understood:
        return ChunkedSound([(start, stop)], stated, held, stop)
    header = bytearray(content[start:first])
    _state(header, start, kind, before, data, held)
    is_cut = stated is not None and stated > held and not _states_own_size(content, start, kind)
    return ChunkedSound([bytes(header), *ranges], stated, held, stop, is_cut)


def _stated(content: Content, kind: ChunkFormat, before: dict[bytes, _Chunk], data: _Chunk) -> int | None:
    """Bytes of sound that the header states; ``None`` where it leaves them open."""
    size = data.size
    if kind.magic == b"RF64" and b"ds64" in before:
        at = before[b"ds64"].body + 8
        size = int.from_bytes(content[at : at + 8], "little")
    is_open = size < 0 or size >= (_OPEN_SIZE if kind.magic in _SHORT_SIZES else _OPEN_LONG_SIZE)
    return None if is_open else max(0, size - kind.lead)


def _states_own_size(content: Content, start: int, kind: ChunkFormat) -> bool:
    """Whether the file's size in its header, written by another hand than that of the sound, is the true one."""
    if kind.magic not in _SHORT_SIZES:
        return False
    (size,) = struct.unpack(kind.size, content[start + 4 : start + 8])
    return bool(abs(start + 8 + size - len(content)) <= 1)


def _what_follows(
    content: Content, start: int, kind: ChunkFormat, sound: tuple[int, int]
) -> tuple[list[tuple[int, int]], int]:
    """Ranges of sound, and where the file ends: at another file, or behind chunks, tags or padding.

    Where none of these follows the sound, its size was wrong, and all the rest is sound.
    """
    end = sound[1]
    padded = end + -(end - start) % kind.align
    position = next((p for p in (padded, end) if _is_boundary(content, start, kind, p)), None)
    if position is None:
        return [(sound[0], len(content))], len(content)
    ranges = [sound]
    for chunk in _chunks(content, start, skip_tags(content, position), kind):
        if content[chunk.start : chunk.start + len(kind.magic)] == kind.magic:
            return ranges, chunk.start
        if not chunk.is_plausible(content):
            break
        if chunk.name.startswith(kind.data):
            ranges.append((chunk.body + kind.lead, chunk.body + chunk.size))
    return ranges, len(content)


def _is_boundary(content: Content, start: int, kind: ChunkFormat, position: int) -> bool:
    position = skip_tags(content, position)
    if len(content) - position < max(_LOOSE_BYTES, kind.head) or content[position : position + 4] == kind.magic[:4]:
        return True
    chunk = next(_chunks(content, start, position, kind))
    return chunk.is_plausible(content) or not _NOT_ZERO.search(content, position)


def _state(
    header: bytearray, start: int, kind: ChunkFormat, before: dict[bytes, _Chunk], data: _Chunk, held: int
) -> None:
    """Write the true size wherever a header has it."""
    if kind.magic == b"RF64" and b"ds64" in before:
        struct.pack_into("<Q", header, before[b"ds64"].body - start + 8, held)
        held = 0xFFFFFFFF
    if kind.magic == b"FORM" and b"COMM" in before and before[b"COMM"].size >= 8:
        at = before[b"COMM"].body - start
        channels, _, bits = struct.unpack_from(">hIh", header, at)
        struct.pack_into(">I", header, at + 2, held // max(1, channels * -(-bits // 8)) & 0xFFFFFFFF)
    size = held + kind.lead + (kind.head if kind.counts_head else 0)
    most = 0xFFFFFFFF if kind.size.endswith("I") else size
    struct.pack_into(kind.size, header, data.start - start + kind.id_bytes, min(size, most))


def _au(content: Content, start: int) -> ChunkedSound | None:
    """AU has no chunks: whatever follows the header is sound."""
    offset, size = struct.unpack(">II", content[start + 4 : start + 12])
    if offset < _AU_HEADER:
        return None
    first = min(start + offset, len(content))
    if content[first + size : first + size + 4] == b".snd":
        return ChunkedSound([(start, first + size)], size, size, first + size)
    held = len(content) - first
    if size in (held, 0xFFFFFFFF):
        return ChunkedSound([(start, len(content))], None if size != held else size, held, len(content))
    header = bytearray(content[start:first])
    struct.pack_into(">I", header, 8, min(held, 0xFFFFFFFF))
    return ChunkedSound([bytes(header), (first, len(content))], size, held, len(content), is_cut=size > held)

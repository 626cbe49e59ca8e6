"""What a sound file's own header promises, read without decoding: the decoder alone does not notice a cut-off file.

libsndfile takes a truncated WAV or MP3 for a shorter one, and loses the tail of a variable-rate MP3 that has no Xing
header, because it guesses the length from the first frame's bit rate. Both are looked up here from the bytes.
"""

from __future__ import annotations

import struct
from pathlib import Path

_HEAD_BYTES = 1 << 16
_UNKNOWN_WAV_SIZE = 0x7FFFF000  # what ffmpeg and sox write when they stream and cannot know the size
_MP3_SLACK_BYTES = 2048  # about two frames; taggers and padding shift the end by less

_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MP3_KBPS_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_MP3_KBPS_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


def read_head(path: Path) -> bytes:
    """The first 64 KiB of a file."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def what_it_is_instead(head: bytes) -> str | None:
    """Name a file that cannot be audio: ``empty``, ``lfs`` (a Git LFS pointer) or ``text``; ``None`` if it may be."""
    if not head:
        return "empty"
    if head.startswith(b"version https://git-lfs"):
        return "lfs"
    sample = head[:512]
    if b"\x00" in sample:
        return None
    try:
        text = head[:4096].decode("utf-8", errors="strict" if len(head) <= 4096 else "ignore")
    except UnicodeDecodeError:
        return None
    return "text" if all(c.isprintable() or c in "\r\n\t\ufeff" for c in text) else None


def needs_ffmpeg(path: Path, head: bytes) -> bool:
    """Whether this is one of the formats that libsndfile has no decoder for (AAC in MP4 or ADTS, WMA)."""
    if head[4:8] == b"ftyp" or head.startswith(bytes.fromhex("3026b2758e66cf11")):
        return True
    return path.suffix.lower() in {".m4a", ".aac", ".mp4", ".wma", ".m4b", ".webm"} and head[:4] not in (
        b"RIFF",
        b"OggS",
    )


def missing_share(path: Path, head: bytes) -> float:
    """The share (0..1) of a WAV's or MP3's sound that its header promises and the file does not hold."""
    size = path.stat().st_size
    if head[:4] == b"RIFF":
        promised, available = _wav_sizes(path, size)
    elif head[:3] == b"ID3" or head[:1] == b"\xff":
        promised, available = _mp3_sizes(path, head, size)
        available += _MP3_SLACK_BYTES
    else:
        return 0.0
    return max(0.0, 1.0 - available / promised) if promised else 0.0


def _wav_sizes(path: Path, size: int) -> tuple[int, int]:
    """Bytes of the data chunk as (promised, available); (0, 0) where the header leaves it open."""
    with path.open("rb") as file:
        position = 12
        while position + 8 <= size:
            file.seek(position)
            name, length = struct.unpack("<4sI", file.read(8))
            if name == b"data":
                known = 0 < length < _UNKNOWN_WAV_SIZE
                return (length, size - position - 8) if known else (0, 0)
            position += 8 + length + (length & 1)
    return 0, 0


def _mp3_sizes(path: Path, head: bytes, size: int) -> tuple[int, int]:
    """Bytes of the MP3 stream as (promised by the Xing header, available); (0, 0) without such a header."""
    start = id3_length(head)
    frame = head[start : start + 200] if start + 200 <= len(head) else _slice(path, start, 200)
    tag = _xing_offset(frame)
    if tag is None:
        return 0, 0
    flags = int.from_bytes(frame[tag + 4 : tag + 8], "big")
    if not flags & 2:
        return 0, 0
    at = tag + 8 + (4 if flags & 1 else 0)
    return int.from_bytes(frame[at : at + 4], "big"), size - start


def vbr_without_header(path: Path, head: bytes) -> bool:
    """Whether this is an MP3 whose length a decoder can only guess (no Xing, Info or VBRI header)."""
    if head[:3] != b"ID3" and not _frame_length(head[:4]):
        return False
    start = id3_length(head)
    frame = _slice(path, start, 200)
    return bool(_frame_length(frame[:4])) and _xing_offset(frame) is None and frame[36:40] != b"VBRI"


def with_xing_header(path: Path) -> bytes:
    """The MP3 stream of ``path`` behind a Xing header that states its true number of frames and bytes."""
    stream = path.read_bytes()
    stream = stream[id3_length(stream) :]
    count, position = 0, 0
    while position + 4 <= len(stream):
        length = _frame_length(stream[position : position + 4])
        if length == 0:  # a tag or damage between frames: look for the next frame
            position = stream.find(b"\xff", position + 1)
            if position < 0:
                break
            continue
        count, position = count + 1, position + length
    if not count:
        return stream
    first = bytearray(stream[:4])
    first[2] = (first[2] & 0x0F) | (0x90 if first[1] & 0x08 else 0x80)  # a bit rate whose frame has room for the tag
    header = bytearray(_frame_length(bytes(first)))
    header[:4] = first
    at = _tag_position(bytes(first))
    header[at : at + 16] = b"Xing" + struct.pack(">III", 3, count, len(header) + len(stream))
    return bytes(header) + stream


def id3_length(head: bytes) -> int:
    """Bytes of the ID3v2 tag in front of an MP3 stream (0 without one); its size is stored 7 bits per byte."""
    if head[:3] != b"ID3" or len(head) < 10:
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | (byte & 0x7F)
    return 10 + size + (10 if head[5] & 0x10 else 0)


def _xing_offset(frame: bytes) -> int | None:
    if not _frame_length(frame[:4]):
        return None
    at = _tag_position(frame[:4])
    return at if frame[at : at + 4] in (b"Xing", b"Info") else None


def _tag_position(header: bytes) -> int:
    """Where a Xing tag stands in the first frame: behind the side information, whose size depends on the mode."""
    mpeg1, mono = bool(header[1] & 0x08), header[3] >> 6 == 3
    return 4 + ((17 if mono else 32) if mpeg1 else (9 if mono else 17))


def _frame_length(header: bytes) -> int:
    """Bytes of the layer-III frame with this 4-byte header; 0 when it is not such a header (ISO 11172-3, 2.4.1.3)."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, index, rate_index = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or index in (0, 15) or rate_index == 3:
        return 0
    kbps = (_MP3_KBPS_V1 if version == 3 else _MP3_KBPS_V2)[index]
    per_frame = 144000 if version == 3 else 72000
    return per_frame * kbps // _MP3_RATES[version][rate_index] + (header[2] >> 1 & 1)


def _slice(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)

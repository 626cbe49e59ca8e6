"""What a file is by its first bytes: sound for libsndfile, sound for ffmpeg, or no sound at all."""

from __future__ import annotations

from pathlib import Path

from tunesmith.audio import ogg
from tunesmith.audio.tags import skip_tags, tag_length

_HEAD_BYTES = 1 << 16
_PLAYLISTS = (b"#EXTM3U", b"[playlist]", b"ffconcat version", b"<asx")
_DEMUXERS = {
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11": "asf",
    b"\x1a\x45\xdf\xa3": "matroska",
}
_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")


def read_head(path: Path) -> bytes:
    """The first 64 KiB of a file."""
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def what_it_is_instead(head: bytes) -> str | None:
    """Name what cannot be audio: ``empty``, ``lfs`` (a Git LFS pointer), ``playlist`` or ``text``; else ``None``."""
    if not head:
        return "empty"
    if head.startswith(b"version https://git-lfs"):
        return "lfs"
    if head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(_PLAYLISTS):
        return "playlist"
    sample = head[:512]
    if b"\x00" in sample:
        return None
    try:
        text = head[:4096].decode("utf-8", errors="strict" if len(head) <= 4096 else "ignore")
    except UnicodeDecodeError:
        return None
    return "text" if all(c.isprintable() or c in "\r\n\t\ufeff" for c in text) else None


def demuxer(path: Path, head: bytes) -> str | None:
    """Name in ffmpeg of a format that libsndfile has no decoder for (AAC, MP4, WMA, WebM, FLAC in Ogg), or ``None``.

    The content decides, never the name; what is not listed here is never given to ffmpeg.
    """
    start = _behind_tags(path, head)
    magic = head if start == 0 else _slice(path, start, 64)
    if magic[4:8] in _ATOMS:
        return "mov"
    if magic[:4] == b"OggS":
        return "ogg" if ogg.holds_foreign_codec(magic, 0) else None
    if len(magic) > 2 and magic[0] == 0xFF and magic[1] & 0xF6 == 0xF0:  # ADTS: layer 0
        return "aac"
    if len(magic) > 2 and magic[0] == 0x56 and magic[1] & 0xE0 == 0xE0:  # LATM
        return "loas"
    return next((name for first, name in _DEMUXERS.items() if magic.startswith(first)), None)


def _behind_tags(path: Path, head: bytes) -> int:
    """Where the sound begins; a picture in a tag may be longer than the head."""
    start = skip_tags(head)
    while start >= len(head):
        length = tag_length(_slice(path, start, 32), 0)
        if not length:
            break
        start += length
    return start


def _slice(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)

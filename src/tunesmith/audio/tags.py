"""Tags that stand in front of, between and behind streams of sound, none of them sound."""

from __future__ import annotations

from mmap import mmap

Content = bytes | mmap
"""A file's bytes, mapped or in memory."""


def skip_tags(content: Content, position: int = 0) -> int:
    """The first byte behind all ID3 and APE tags that stand one after another at ``position``."""
    while length := tag_length(content, position):
        position += length
    return position


def tag_length(content: Content, position: int) -> int:
    """Bytes of the tag that stands here; 0 where none does."""
    head = bytes(content[position : position + 32])
    if head[:3] == b"ID3" and len(head) >= 10 and 0xFF not in head[3:5] and max(head[6:10]) < 0x80:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]  # 7 bits per byte
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head[:8] == b"APETAGEX" and len(head) == 32:
        has_header = bool(head[23] & 0x20)  # this one is the header; its size counts what follows and the footer
        return int.from_bytes(head[12:16], "little") + 32 if has_header else 32
    if head[:3] == b"TAG":
        return min(128, len(content) - position)
    return 0

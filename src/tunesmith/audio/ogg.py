"""Ogg as it lies in a file: libsndfile reads the first of several streams that follow each other, and no FLAC in it."""

from __future__ import annotations

from itertools import pairwise

from tunesmith.audio.tags import Content

_FIRST_PAGE = 2  # the flag of a logical stream's first page; RFC 3533, section 6
_FOREIGN = (b"\x7fFLAC", b"Speex   ")


def ogg_links(content: Content, start: int) -> list[tuple[int, int]]:
    """The links of a chain: ranges that each hold a whole Ogg file; one where nothing is chained."""
    starts, position, in_heads = [start], start, True
    while True:
        position = content.find(b"OggS", position)
        if position < 0 or position + 27 > len(content):
            break
        is_first = bool(content[position + 5] & _FIRST_PAGE)
        if is_first and not in_heads:  # first pages of streams that run side by side stand together
            starts.append(position)
        in_heads = is_first
        segments = content[position + 27 : position + 27 + content[position + 26]]
        position += 27 + len(segments) + sum(segments)
    return list(pairwise([*starts, len(content)]))


def holds_foreign_codec(content: Content, start: int) -> bool:
    """Whether the first stream is of a codec that libsndfile does not read in Ogg: FLAC as ffmpeg writes it, Speex."""
    packet = start + 27 + content[start + 26] if len(content) > start + 26 else start
    return content[packet : packet + 8].startswith(_FOREIGN)

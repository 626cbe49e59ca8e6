"""Take a file apart into streams that libsndfile reads whole, each behind a header that tells the truth.

What libsndfile makes of a file is right where one stream lies there and its header states its length. People's files
hold more than that: songs copied one behind the other, recordings that were never closed, tags of three programs.
"""

from __future__ import annotations

import mmap
from dataclasses import dataclass, replace
from pathlib import Path

from tunesmith.audio.chunks import chunked_sound
from tunesmith.audio.flac import flac_streams
from tunesmith.audio.mpeg import is_frame, mpeg_streams
from tunesmith.audio.ogg import ogg_links
from tunesmith.audio.stitched import Piece
from tunesmith.audio.tags import Content, skip_tags, tag_length


@dataclass(frozen=True)
class StreamPart:
    """One stream of a file.

    Attributes:
        pieces: What the decoder should read; ``None`` for the file as it is.
        stated: Length by the stream's header, in samples, frames or bytes; ``None`` where it leaves that open.
        held: Length that is there, in the same unit.
        is_cut: Whether what the header states beyond that is missing, and not just stated wrongly.
        unit_seconds: What one of the unit lasts; ``None`` where only decoding shows it.
    """

    pieces: tuple[Piece, ...] | None = None
    stated: int | None = 1
    held: int = 1
    is_cut: bool = False
    unit_seconds: float | None = None

    def promised_seconds(self, seconds: float) -> float | None:
        """What the header promises of a stream that lasts ``seconds``."""
        if self.stated is None:
            return None
        unit = self.unit_seconds or seconds / max(1, self.held)
        return max(0.0, seconds + (self.stated - self.held) * unit)


def stream_parts(path: Path) -> list[StreamPart]:
    """The streams of a file, in order; one that covers the file where nothing needs mending or nothing is known."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        start = skip_tags(content)
        magic = content[start : start + 4]
        if magic == b"fLaC":
            parts = _flac(content, start)
        elif magic == b"OggS":
            parts = [StreamPart((link,)) for link in ogg_links(content, start)]
        else:
            parts = _chunked(content, start)
            if not parts and (start or is_frame(content, start) or path.suffix.lower() == ".mp3"):
                parts = _mpeg(content, start)
        whole = ((0, len(content)),)
        return [replace(part, pieces=None) if part.pieces == whole else part for part in parts] or [StreamPart()]


def misleads_decoders(path: Path) -> bool:
    """Whether a decoder that trusts headers reads another length: streams behind the first, or a wrong count."""
    parts = stream_parts(path)
    if len(parts) > 1 or (parts[0].pieces is not None and parts[0].stated not in (None, parts[0].held)):
        return True
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return skip_tags(content) > tag_length(content, 0)


def _flac(content: Content, start: int) -> list[StreamPart]:
    parts = []
    for stream in flac_streams(content, start):
        if stream.counted is None or stream.counted == stream.stated:
            parts.append(StreamPart(((stream.start, stream.stop),)))
        else:
            header = stream.header(content, stream.counted)
            parts.append(StreamPart(header, stream.stated or None, stream.counted))
    return parts


def _chunked(content: Content, start: int) -> list[StreamPart]:
    parts, position = [], start
    while position < len(content) and (sound := chunked_sound(content, position)):
        parts.append(StreamPart(tuple(sound.pieces), sound.promised, sound.held, sound.is_cut))
        position = sound.stop
    return parts


def _mpeg(content: Content, start: int) -> list[StreamPart]:
    streams = mpeg_streams(content, start)
    parts = [
        StreamPart(tuple(s.pieces(content)), s.promised, s.frames, s.is_cut, s.first.samples / s.first.rate)
        for s in streams
    ]
    # One stream behind at most one ID3 tag is what libsndfile reads as well from the file itself.
    id3_length = tag_length(content, 0) if content[:3] == b"ID3" else 0
    if len(streams) == 1 and streams[0].is_plain and start == id3_length == streams[0].start:
        return [replace(parts[0], pieces=None)]
    return parts

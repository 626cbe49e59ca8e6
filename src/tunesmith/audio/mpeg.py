"""MP3 as it lies in a file: every frame counted, because decoders trust a header that is often wrong.

libsndfile reads as far as the first Xing header says: a count of 0 or too small cuts the sound off, of several streams
joined into one file it reads the first, and without a header it guesses from the first frame's bit rate. So the frames
themselves are walked from header to header (a 4-minute song in 10 ms), and each stream is given to the decoder behind a
header that states what was counted. Frames: ISO 11172-3, 2.4.1.3; the headers Xing, Info and VBRI have no standard.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from functools import lru_cache

from tunesmith.audio.stitched import Piece
from tunesmith.audio.tags import Content, skip_tags, tag_length

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBPS_V1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBPS_V2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SYNC = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xeb]", re.DOTALL)
_FRAMES_IN_A_ROW = 3  # by chance, bytes look like a frame that is followed by two more of its kind once in 10^11
_SLACK_BYTES = 2048  # about two frames; padding and tags shift the end by less
_SLACK_SECONDS = 0.1  # encoders count their padding, and some the header's own frame


@dataclass(frozen=True)
class Frame:
    """What a frame's four header bytes say."""

    length: int
    rate: int
    samples: int
    is_mono: bool
    tag_at: int

    @property
    def format(self) -> tuple[int, int, bool]:
        """What stays the same throughout a stream."""
        return self.rate, self.samples, self.is_mono


@dataclass
class MpegStream:
    """Consecutive frames of one format.

    Attributes:
        first: Its first frame.
        header: Where its Xing, Info or VBRI frame stands, which is no sound.
        promised: Frames that this header states; ``None`` where it states none.
        promised_bytes: Bytes that it states.
        frames: Frames of sound, counted.
        runs: Ranges of the file that hold them; tags and damage lie between.
    """

    first: Frame
    header: tuple[int, int] | None = None
    promised: int | None = None
    promised_bytes: int | None = None
    frames: int = 0
    runs: list[tuple[int, int]] = field(default_factory=list)

    def add(self, start: int, stop: int) -> None:
        """Take in a frame of sound."""
        self.frames += 1
        if self.runs and self.runs[-1][1] == start:
            self.runs[-1] = (self.runs[-1][0], stop)
        else:
            self.runs.append((start, stop))

    @property
    def is_stated(self) -> bool:
        """Whether its header states what was counted."""
        if self.promised is None:
            return False
        return 0 <= self.promised - self.frames <= _SLACK_SECONDS * self.first.rate / self.first.samples

    @property
    def start(self) -> int:
        """Where it begins, with its header."""
        return self.header[0] if self.header else self.runs[0][0]

    @property
    def is_cut(self) -> bool:
        """Whether frames are missing, and not just their number is wrong while that of the bytes is right."""
        if self.promised is None or self.promised <= self.frames:
            return False
        return self.promised_bytes is None or self.promised_bytes - (self.runs[-1][1] - self.start) > _SLACK_BYTES

    @property
    def is_plain(self) -> bool:
        """Whether it lies there in one piece behind a header that states what was counted."""
        return self.is_stated and self.header is not None and [self.header[1]] == [start for start, _ in self.runs]

    def pieces(self, content: Content) -> list[Piece]:
        """The stream behind a header that states its true number of frames."""
        if self.is_stated and self.header:
            return [self.header, *self.runs]
        length = sum(stop - start for start, stop in self.runs)
        stated = _restated(content, self, length) or _new_header(content, self, length)
        return [stated, *self.runs]


def mpeg_streams(content: Content, start: int) -> list[MpegStream]:
    """All streams of a file, in order; none where the bytes hold no layer III frames of a stated bit rate."""
    streams: list[MpegStream] = []
    position, lost = start, True
    while True:
        frame = _frame_at(content, position)
        is_other = not streams or frame is None or frame.format != streams[-1].first.format
        if frame is None or ((lost or is_other) and not _goes_on(content, position)):
            found = _next_sync(content, position)
            if found is None:
                return [stream for stream in streams if stream.frames]
            position, lost = found, True
            continue
        stop = position + frame.length
        if stop > len(content):  # the last frame is cut off
            return [stream for stream in streams if stream.frames]
        if _is_header(content, position, frame):
            streams.append(MpegStream(frame, (position, stop), *_promises(content, position, frame)))
        else:
            if is_other:
                streams.append(MpegStream(frame))
            streams[-1].add(position, stop)
        position, lost = stop, False


def is_frame(content: Content, position: int) -> bool:
    """Whether a layer III frame begins here."""
    return _frame_at(content, position) is not None


def _frame_at(content: Content, position: int) -> Frame | None:
    return _frame(bytes(content[position : position + 4]))


@lru_cache(maxsize=4096)
def _frame(header: bytes) -> Frame | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, index, rate_index = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or index in (0, 15) or rate_index == 3:
        return None
    is_first, is_mono = version == 3, header[3] >> 6 == 3
    kbps = (_KBPS_V1 if is_first else _KBPS_V2)[index]
    rate = _RATES[version][rate_index]
    length = (144_000 if is_first else 72_000) * kbps // rate + (header[2] >> 1 & 1)
    # A Xing tag stands behind the side information, whose size depends on the mode.
    tag_at = 4 + ((17 if is_mono else 32) if is_first else (9 if is_mono else 17))
    return Frame(length, rate, 1152 if is_first else 576, is_mono, tag_at)


def _goes_on(content: Content, position: int) -> bool:
    """Whether frames of one format follow each other from here, or up to the end of the file or a tag."""
    first = _frame_at(content, position)
    for _ in range(_FRAMES_IN_A_ROW):
        frame = _frame_at(content, position)
        if first is None or frame is None or frame.format != first.format:
            return False
        position += frame.length
        if position >= len(content) or tag_length(content, position):
            return True
    return True


def _next_sync(content: Content, position: int) -> int | None:
    """Where the next frame may begin: behind a tag that stands here, else at the next bytes that look like one."""
    behind = skip_tags(content, position)
    found = _SYNC.search(content, behind if behind > position else position + 1)
    return found.start() if found else None


def _is_header(content: Content, position: int, frame: Frame) -> bool:
    """Whether this frame tells of the stream and holds no sound."""
    tag = position + frame.tag_at
    return content[tag : tag + 4] in (b"Xing", b"Info") or content[position + 36 : position + 40] == b"VBRI"


def _promises(content: Content, position: int, frame: Frame) -> tuple[int | None, int | None]:
    """Frames and bytes that a header states."""
    if content[position + 36 : position + 40] == b"VBRI":
        size, frames = struct.unpack(">II", content[position + 46 : position + 54])
        return frames, size
    tag = position + frame.tag_at
    flags, first, second = struct.unpack(">III", content[tag + 4 : tag + 16])
    return first if flags & 1 else None, (second if flags & 1 else first) if flags & 2 else None


def _restated(content: Content, stream: MpegStream, length: int) -> bytes | None:
    """The stream's own Xing frame with the true numbers: what it says of padding at both ends stays."""
    if stream.header is None:
        return None
    start, stop = stream.header
    frame = bytearray(content[start:stop])
    at = stream.first.tag_at
    if bytes(frame[at : at + 4]) not in (b"Xing", b"Info") or not frame[at + 7] & 1:
        return None
    frame[at + 8 : at + 12] = struct.pack(">I", stream.frames)
    if frame[at + 7] & 2:
        frame[at + 12 : at + 16] = struct.pack(">I", min(len(frame) + length, 0xFFFFFFFF))
    return bytes(frame)


def _new_header(content: Content, stream: MpegStream, length: int) -> bytes:
    head = bytearray(content[stream.runs[0][0] : stream.runs[0][0] + 4])
    head[1] |= 1  # no checksum
    head[2] = (head[2] & 0x0F) | (0x90 if head[1] & 0x08 else 0x80)  # a bit rate whose frame has room for the tag
    frame = _frame(bytes(head))
    assert frame is not None
    header = bytearray(frame.length)
    header[:4] = head
    tag = b"Xing" + struct.pack(">III", 3, stream.frames, min(len(header) + length, 0xFFFFFFFF))
    header[frame.tag_at : frame.tag_at + len(tag)] = tag
    return bytes(header)

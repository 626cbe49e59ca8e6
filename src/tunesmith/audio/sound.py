"""A sound file open for reading: all its streams, one behind the other, as one sound."""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.audio.native_stderr import native_stderr_silenced
from tunesmith.audio.parts import StreamPart
from tunesmith.audio.problems import UnreadableAudioError
from tunesmith.audio.resample import resample, to_channels
from tunesmith.audio.stitched import StitchedFile
from tunesmith.texts import msg

if TYPE_CHECKING:
    import soundfile

_ROUNDING = 1e-3
_LARGEST_RATE_RATIO = (
    64  # 8 and 192 kHz are 24 apart; what is further apart is damage, and would be resampled for hours
)


class Sound:
    """The streams of a file at the rate and channels of the first one.

    Args:
        path: The file.
        parts: Its streams, at least one.
        header_seconds: Length by the header of the file that this one was converted from.
        tracks: Audio tracks in that file.

    Attributes:
        samplerate: In Hz.
        channels: How many.
        frames: Samples per channel, over all streams.
        format: Name of the container.
        subtype: How a sample is stored in it (``PCM_16``, ``FLOAT``, ``MPEG_LAYER_III``…).
        streams: How many streams there are.
        tracks: Audio tracks that lie side by side; one of them is read.
        is_cut: Whether it is a single one whose end is missing.
        header_seconds: Length by the header; ``None`` where it leaves that open.

    Raises:
        soundfile.LibsndfileError: when a stream cannot be opened.
        UnreadableAudioError: when the rates of two streams cannot both be true.
    """

    def __init__(
        self, path: Path, parts: Sequence[StreamPart], header_seconds: float | None = None, tracks: int = 1
    ) -> None:
        self._path, self._parts = path, list(parts)
        self._file: soundfile.SoundFile | None = None
        self._source: StitchedFile | None = None
        self._index = -1
        self._position = 0
        self._converted: tuple[int, np.ndarray] | None = None
        first = self._open(0)
        self.samplerate: int = first.samplerate
        self.channels: int = first.channels
        self.format: str = first.format
        self.subtype: str = first.subtype
        self.streams, self.tracks = len(self._parts), tracks
        self.is_cut = self.streams == 1 and self._parts[0].is_cut
        self._lengths = [self._length(index) for index in range(self.streams)]
        self._starts = [0, *accumulate(self._lengths)]
        self.frames = self._starts[-1]
        self.header_seconds = header_seconds or self._promised_seconds()

    def _promised_seconds(self) -> float | None:
        """What all streams promise, where that is more than there is, else what the first does, as players show it."""
        lengths = [length / self.samplerate for length in self._lengths]
        promised = [part.promised_seconds(length) for part, length in zip(self._parts, lengths, strict=True)]
        total = sum(length if p is None else p for p, length in zip(promised, lengths, strict=True))
        return total if total - self.frames / self.samplerate > _ROUNDING else promised[0]

    def seek(self, frame: int) -> None:
        """Go to a sample; reading goes on from there."""
        self._position = frame

    def read(self, frames: int) -> np.ndarray:
        """The next samples, float32 (channels, frames); fewer at the end, or where a decoder stops before it.

        Raises:
            soundfile.LibsndfileError: for a damaged stream.
        """
        pieces = []
        while frames > 0 and self._position < self.frames:
            index = bisect_right(self._starts, self._position) - 1
            inside = self._position - self._starts[index]
            piece = self._read_part(index, inside, min(frames, self._lengths[index] - inside))
            pieces.append(piece)
            count = piece.shape[1]
            if count == 0:
                break
            frames -= count
            self._position += count
        return np.concatenate(pieces, axis=1) if pieces else np.zeros((self.channels, 0), np.float32)

    def close(self) -> None:
        """Close the file."""
        for file in (self._file, self._source):
            if file is not None:
                file.close()
        self._file, self._source, self._index = None, None, -1

    def _open(self, index: int) -> soundfile.SoundFile:
        import soundfile

        if self._file is None or self._index != index:
            self.close()
            pieces = self._parts[index].pieces
            self._source = None if pieces is None else StitchedFile(self._path, pieces)
            with native_stderr_silenced():
                self._file, self._index = soundfile.SoundFile(self._source or openable(self._path)), index
        return self._file

    def _length(self, index: int) -> int:
        file = self._open(index)
        frames, rate = int(file.frames), int(file.samplerate)
        if max(rate, self.samplerate) > _LARGEST_RATE_RATIO * min(rate, self.samplerate):
            what = msg("this file holds recordings of {first} and of {other} Hz", first=self.samplerate, other=rate)
            raise UnreadableAudioError("damaged", what, self._path, msg("Cut them apart, or export it again."))
        return round(frames * self.samplerate / rate)

    def _read_part(self, index: int, start: int, count: int) -> np.ndarray:
        file = self._open(index)
        if (file.samplerate, file.channels) != (self.samplerate, self.channels):
            return self._read_converted(index, start, count)
        with native_stderr_silenced():
            if file.tell() != start:
                file.seek(start)
            block = file.read(count, dtype="float32", always_2d=True)
        return np.ascontiguousarray(block.T)

    def _read_converted(self, index: int, start: int, count: int) -> np.ndarray:
        """From a stream of another rate or number of channels, which is decoded as a whole."""
        if self._converted is None or self._converted[0] != index:
            file = self._open(index)
            with native_stderr_silenced():
                file.seek(0)
                block = file.read(dtype="float32", always_2d=True)
            sound = to_channels(np.ascontiguousarray(block.T), self.channels)
            self._converted = index, resample(sound, file.samplerate, self.samplerate)
        return self._converted[1][:, start : start + count]


def openable(path: Path) -> str | bytes:
    """A file's name as soundfile takes it: in bytes where it is not UTF-8, which soundfile would refuse as text."""
    name = str(path)
    return name if name.isprintable() else os.fsencode(name)

"""The clips of a recording as files: equal to it sample by sample, but for three milliseconds at ends that are cuts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tunesmith.audio.decode import blocks, open_audio
from tunesmith.audio.sound import Sound
from tunesmith.audio.stored import SampleFormat, sound_writer
from tunesmith.data.sample import AudioRef
from tunesmith.data.slicing.plan import FADE_S
from tunesmith.records.slices import SlicePart


class OpenRecording:
    """A recording that stays open while its clips are written, so that one that has to be converted is so once.

    Args:
        ref: Its file and span.
        sound: The open file.
    """

    def __init__(self, ref: AudioRef, sound: Sound) -> None:
        self.ref, self._sound = ref, sound

    def pieces(self, part: SlicePart) -> Iterator[np.ndarray]:
        """The sound of a clip, float32 (channels, frames), with its fades.

        Raises:
            UnreadableAudioError: when it cannot be decoded.
        """
        start, end = self.ref.start + part.start, self.ref.start + part.end
        whole = self._sound.frames / self._sound.samplerate
        yield from faded(
            blocks(self._sound, self.ref.path, start, min(end, whole)),
            round(min(end, whole) * self._sound.samplerate) - round(start * self._sound.samplerate),
            self._sound.samplerate,
            at_start=start > 0,
            at_end=end < whole - 1 / self._sound.samplerate,
        )

    def write(self, part: SlicePart, path: Path, form: SampleFormat) -> None:
        """Write a clip.

        Raises:
            TunesmithError: when it cannot be decoded or written.
        """
        with sound_writer(path, self._sound.samplerate, self._sound.channels, form) as write:
            for piece in self.pieces(part):
                write(np.nan_to_num(piece, nan=0.0, posinf=0.0, neginf=0.0))


def copy_whole(ref: AudioRef, path: Path) -> None:
    """Copy the file of a recording that is one clip as it is."""
    shutil.copyfile(ref.path, path)


@contextmanager
def open_recording(ref: AudioRef) -> Iterator[OpenRecording]:
    """Open a recording.

    Raises:
        UnreadableAudioError: when it cannot be read.
    """
    with open_audio(ref.path, end=ref.end) as sound:
        yield OpenRecording(ref, sound)


def faded(
    pieces: Iterator[np.ndarray], frames: int, sample_rate: int, *, at_start: bool, at_end: bool
) -> Iterator[np.ndarray]:
    """Pieces of a sound of so many frames with short linear ramps at its ends."""
    length = min(max(1, round(FADE_S * sample_rate)), frames // 2)
    position = 0
    for piece in pieces:
        stop = position + piece.shape[1]
        touched = (at_start and position < length) or (at_end and stop > frames - length)
        if touched:
            where = np.arange(position, stop)
            gain = np.ones(len(where), np.float32)
            if at_start:
                gain *= np.clip((where + 0.5) / length, 0, 1).astype(np.float32)
            if at_end:
                gain *= np.clip((frames - where - 0.5) / length, 0, 1).astype(np.float32)
            piece = piece * gain  # noqa: PLW2901 - what is given on
        yield piece
        position = stop

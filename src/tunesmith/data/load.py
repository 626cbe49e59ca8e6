"""The one way from a reference in the manifest to an array that a model can take."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

import numpy as np

from tunesmith.audio.decode import finite_blocks, open_audio
from tunesmith.audio.resample import resample_blocks, to_channels
from tunesmith.audio.stream import SoundStream
from tunesmith.data.sample import AudioRef
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def load(ref: AudioRef, sample_rate: int, channels: int, *, lowest_rate: int = 0) -> np.ndarray:
    """Decode a file or span, mix or double its channels, and resample it.

    Args:
        ref: The file, and what of it.
        sample_rate: Hz to give.
        channels: To give.
        lowest_rate: Hz that the file itself must have.

    Returns:
        float32 (channels, frames) at ``sample_rate`` Hz.

    Raises:
        TunesmithError: when the file cannot be read or has too low a rate, naming it.
    """
    return np.concatenate(list(_blocks(ref, sample_rate, channels, lowest_rate)), axis=1)


@contextmanager
def open_stream(ref: AudioRef, sample_rate: int, channels: int) -> Iterator[SoundStream]:
    """What :func:`load` gives, bit for bit, but decoded as far as it is asked for and held window by window.

    What makes a file unreadable is raised where the stream comes to it.
    """
    with closing(_blocks(ref, sample_rate, channels, 0)) as blocks:
        yield SoundStream(blocks)


def _blocks(ref: AudioRef, sample_rate: int, channels: int, lowest_rate: int) -> Generator[np.ndarray]:
    with open_audio(ref.path, end=ref.end) as sound:
        rate = sound.samplerate
        if rate < lowest_rate:
            raise TunesmithError(
                msg(
                    "this recording has {rate} Hz, and at least {lowest_rate} are needed",
                    rate=rate,
                    lowest_rate=lowest_rate,
                ),
                where=str(ref.path),
                remedy=msg(
                    "Use a recording of a higher rate; raising the rate of this one brings back nothing that was lost."
                ),
            )
        decoded = finite_blocks(sound, str(ref.path), ref.start, ref.end)
        yield from resample_blocks((to_channels(block, channels) for block in decoded), rate, sample_rate)

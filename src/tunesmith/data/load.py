"""The one way from a reference in the manifest to an array that a model can take."""

from __future__ import annotations

import numpy as np

from tunesmith.audio.decode import read
from tunesmith.audio.resample import resample, to_channels
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
    audio, rate = read(ref.path, ref.start, ref.end)
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
    return resample(to_channels(audio, channels), rate, sample_rate)

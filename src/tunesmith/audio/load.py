"""The one way from a reference in the manifest to an array that a model can take."""

from __future__ import annotations

import numpy as np

from tunesmith.audio.decode import read
from tunesmith.audio.resample import resample, to_channels
from tunesmith.data.sample import AudioRef


def load(ref: AudioRef, sample_rate: int, channels: int) -> np.ndarray:
    """Decode a file or span, mix or double its channels, and resample it.

    Returns:
        float32 (channels, frames) at ``sample_rate`` Hz.

    Raises:
        TunesmithError: when the file cannot be read, naming it.
    """
    audio, rate = read(ref.path, ref.start, ref.end)
    return resample(to_channels(audio, channels), rate, sample_rate)

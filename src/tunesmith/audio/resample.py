"""Bring sound to a model's sample rate and channels, the same way everywhere."""

from __future__ import annotations

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def resample(audio: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Change the sample rate with soxr (HQ: pass band to 0.91 of Nyquist, 20-bit rejection).

    Args:
        audio: float32 (channels, frames).
        from_rate: Its rate in Hz.
        to_rate: The wanted rate in Hz.

    Returns:
        float32 (channels, frames'), the same array when the rates are equal.

    Raises:
        TunesmithError: for a rate that is not positive.
    """
    if from_rate <= 0 or to_rate <= 0:
        raise TunesmithError(
            msg("sample rates must be positive, not {from_rate} and {to_rate} Hz", from_rate=from_rate, to_rate=to_rate)
        )
    if from_rate == to_rate:
        return audio
    import soxr

    changed = soxr.resample(np.ascontiguousarray(audio.T), from_rate, to_rate, quality="HQ")
    return np.ascontiguousarray(changed.T, dtype=np.float32)


def to_channels(audio: np.ndarray, channels: int) -> np.ndarray:
    """Mix down to mono (the mean of all channels), or double mono; audio is (channels, frames).

    Any other change (six channels into two) goes through the mono mix, because no other choice is safe to guess.
    """
    if audio.shape[0] == channels:
        return audio
    mono = audio if audio.shape[0] == 1 else audio.mean(axis=0, keepdims=True, dtype=np.float32)
    return np.repeat(mono, channels, axis=0)

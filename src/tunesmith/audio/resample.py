"""Bring sound to a model's sample rate and channels, the same way everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

_QUALITY = "HQ"


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
    _refuse_bad_rates(from_rate, to_rate)
    if from_rate == to_rate:
        return audio
    import soxr

    changed = soxr.resample(np.ascontiguousarray(audio.T), from_rate, to_rate, quality=_QUALITY)
    return np.ascontiguousarray(changed.T, dtype=np.float32)


def resample_blocks(blocks: Iterable[np.ndarray], from_rate: int, to_rate: int) -> Iterator[np.ndarray]:
    """:func:`resample` for a sound that comes block by block: the same samples, bit for bit.

    Args:
        blocks: float32 (channels, frames), one behind the other.
        from_rate: Their rate in Hz.
        to_rate: The wanted rate in Hz.

    Yields:
        float32 (channels, frames'), of other lengths than the blocks'; some may be empty.

    Raises:
        TunesmithError: for a rate that is not positive.
    """
    _refuse_bad_rates(from_rate, to_rate)
    if from_rate == to_rate:
        yield from blocks
        return
    import soxr

    stream = None
    for block in blocks:
        if stream is None:
            channels = len(block)
            stream = soxr.ResampleStream(from_rate, to_rate, channels, dtype="float32", quality=_QUALITY)
        yield np.ascontiguousarray(stream.resample_chunk(np.ascontiguousarray(block.T)).T)
    if stream is not None:
        rest = stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)
        yield np.ascontiguousarray(rest.T)


def _refuse_bad_rates(from_rate: int, to_rate: int) -> None:
    if from_rate <= 0 or to_rate <= 0:
        raise TunesmithError(
            msg("sample rates must be positive, not {from_rate} and {to_rate} Hz", from_rate=from_rate, to_rate=to_rate)
        )


def to_channels(audio: np.ndarray, channels: int) -> np.ndarray:
    """Mix down to mono (the mean of all channels), or double mono; audio is (channels, frames).

    Any other change (six channels into two) goes through the mono mix, because no other choice is safe to guess.
    """
    if audio.shape[0] == channels:
        return audio
    mono = audio if audio.shape[0] == 1 else audio.mean(axis=0, keepdims=True, dtype=np.float32)
    return np.repeat(mono, channels, axis=0)

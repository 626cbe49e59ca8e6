"""The highest point that the waveform reaches between its samples, where a converter or a codec would clip it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

OVERSAMPLED = 4


def true_peak(sound: Iterable[np.ndarray], sample_rate: int) -> float:
    """The largest absolute value of a sound at four times its rate; full scale is 1.

    Args:
        sound: Pieces of float32 (channels, frames), in order.
        sample_rate: In Hz.

    Source: ITU-R BS.1770-4 annex 2 (here with soxr's filter).
    """
    import soxr

    stream, highest, channels = None, 0.0, 1
    for piece in sound:
        if stream is None:
            channels = piece.shape[0]
            stream = soxr.ResampleStream(
                sample_rate, OVERSAMPLED * sample_rate, channels, dtype="float32", quality="HQ"
            )
        highest = max(highest, _peak(piece), _peak(stream.resample_chunk(np.ascontiguousarray(piece.T))))
    if stream is not None:
        highest = max(highest, _peak(stream.resample_chunk(np.zeros((0, channels), np.float32), last=True)))
    return highest


def _peak(samples: np.ndarray) -> float:
    return float(np.abs(samples).max(initial=0.0))

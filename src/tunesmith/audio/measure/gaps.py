"""Holes in the sound: dropouts of milliseconds, and silence of seconds between sound and sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

ENVELOPE_S = 0.001
_SHORTEST_S, _LONGEST_S = 0.004, 1.5
_EDGE_S = 0.004
_DROP_DB = 32.0
_LOUD_UNDER_DB = 10.0  # a hole is cut into sound; what ends and starts softly is a consonant or a note


def peak_envelope(magnitude: Array, sample_rate: int) -> Array:
    """Largest magnitude in every millisecond over all channels.

    Args:
        magnitude: (C, N), absolute samples.
        sample_rate: In Hz.

    Returns:
        (T,), one every :func:`envelope_hop` seconds; a rest under a millisecond is left out.
    """
    hop = _samples(sample_rate)
    count = magnitude.shape[1] // hop
    envelope: Array = magnitude[:, : count * hop].reshape(len(magnitude), count, hop).max(axis=2).max(axis=0)
    return envelope


def envelope_hop(sample_rate: int) -> float:
    """Seconds between two values of :func:`peak_envelope`: whole samples, about a millisecond."""
    return _samples(sample_rate) / sample_rate


def _samples(sample_rate: int) -> int:
    return max(1, round(ENVELOPE_S * sample_rate))


def dropouts(envelope: Array, hop_s: float = ENVELOPE_S) -> Array:
    """Finds short holes with two hard edges: a buffer that ran empty, a scratch, a splice.

    The level falls by 32 dB within 4 ms, stays down for 4 ms to 1.5 s, and comes back as fast. Notes start as hard and
    do not end so; a gate ends so, and then starts softer or at another level.

    Args:
        envelope: From :func:`peak_envelope`.
        hop_s: From :func:`envelope_hop`.

    Returns:
        (K, 2): start and length of each, in seconds.
    """
    if len(envelope) < 20 or float(envelope.max()) < 1e-3:
        return np.zeros((0, 2))
    edge = round(_EDGE_S / ENVELOPE_S)
    ratio = 10 ** (-_DROP_DB / 20)
    around = _local_loudness(envelope)
    before = _preceding(envelope, edge)
    low = envelope < np.maximum(ratio * around, 2e-5)
    starts = np.flatnonzero(low & ~np.r_[False, low[:-1]])
    ends = np.flatnonzero(low & ~np.r_[low[1:], False]) + 1
    length = ends - starts
    fits = (length >= _SHORTEST_S / ENVELOPE_S) & (length <= _LONGEST_S / ENVELOPE_S)
    fits &= (starts > edge) & (ends < len(envelope) - edge)
    starts, ends, length = starts[fits], ends[fits], length[fits]
    if len(starts) == 0:
        return np.zeros((0, 2))
    after = _preceding(envelope[::-1], edge)[::-1]
    loud = 10 ** (-_LOUD_UNDER_DB / 20) * float(np.percentile(envelope, 90))
    inside = np.array([float(envelope[s:e].max()) for s, e in zip(starts, ends, strict=True)])
    left, right = before[starts], after[ends - 1]
    hard = (inside < ratio * left) & (inside < ratio * right) & (left > loud) & (right > loud)
    return np.stack([starts[hard], length[hard]], axis=1) * hop_s


def _local_loudness(envelope: Array) -> Array:
    """The loudest millisecond within 100 ms on either side."""
    from scipy.ndimage import maximum_filter1d

    local: Array = maximum_filter1d(envelope, 201, mode="nearest")
    return local


def _preceding(envelope: Array, edge: int) -> Array:
    """For each millisecond, the loudest of the ``edge`` before it."""
    padded = np.concatenate([np.repeat(envelope[:1], edge), envelope])
    loudest: Array = np.lib.stride_tricks.sliding_window_view(padded[:-1], edge).max(axis=1)
    return loudest


def longest_pause(levels_db: Array, hop_s: float, silent_db: float) -> tuple[float, float]:
    """Finds the longest silence between sound and sound; what comes before and after all sound does not count.

    Args:
        levels_db: (T,), dBFS.
        hop_s: Seconds between levels.
        silent_db: Levels under it are silence.

    Returns:
        Its start and its length in seconds; (0, 0) where there is none.
    """
    loud = np.flatnonzero(levels_db >= silent_db)
    if len(loud) < 2:
        return 0.0, 0.0
    between = np.diff(loud) - 1
    at = int(between.argmax())
    return (float(loud[at] + 1) * hop_s, float(between[at]) * hop_s) if between[at] > 0 else (0.0, 0.0)

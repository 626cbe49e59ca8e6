"""A vector of plain statistics for every second of sound, without weights: timbre, its movement, onsets, harmony."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.spectrum import log_mel, power_frames

_FRAME_S, _HOP_S, _PADDED_S = 0.04, 0.02, 0.064
_MELS, _COEFFICIENTS, _RANGE_DB = 64, 20, 90.0
_LOWEST_HZ, _HIGHEST_HZ = 80.0, 2500.0
SIZE = 3 * _COEFFICIENTS + 5


def window_vectors(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """One vector for every whole second.

    Args:
        audio: (N,) or (N, C), full scale ±1.
        sample_rate: In Hz.

    Returns:
        (seconds, :data:`SIZE`): means and spreads of 20 MFCC and of their steps, strength and spread of onsets, entropy
        and peak of the chroma; (0, size) under a second.
    """
    from scipy.fft import dct

    mono = np.nan_to_num(audio.mean(axis=1) if audio.ndim == 2 else audio).astype(np.float32)
    if len(mono) < sample_rate:
        return np.zeros((0, SIZE))
    frames = power_frames(mono, sample_rate, _FRAME_S, _HOP_S, padded_s=_PADDED_S)
    mel_db = log_mel(frames, _MELS, sample_rate, range_db=_RANGE_DB).astype(np.float64)
    cepstra = dct(mel_db, axis=1, norm="ortho")[:, :_COEFFICIENTS]
    steps = np.diff(cepstra, axis=0, append=cepstra[-1:])
    onsets = np.maximum(np.diff(mel_db, axis=0, append=mel_db[-1:]), 0).mean(axis=1)
    chroma, size = _chroma(frames.power, sample_rate), round(1 / _HOP_S)
    parts = [slice(start, start + size) for start in range(0, len(mel_db) - size + 1, size)]
    found = [_vector(cepstra[p], steps[p], onsets[p], chroma[p].mean(axis=0)) for p in parts]
    return np.array(found).reshape(-1, SIZE)


def _vector(
    cepstra: NDArray[np.floating],
    steps: NDArray[np.floating],
    onsets: NDArray[np.floating],
    classes: NDArray[np.floating],
) -> NDArray[np.float64]:
    entropy = float(-(classes * np.log(classes + 1e-9)).sum())
    return np.concatenate(
        [
            cepstra.mean(axis=0) / 10,
            cepstra.std(axis=0) / 10,
            steps.std(axis=0) / 10,
            [onsets.mean(), onsets.std(), onsets.max() / 5, entropy, 3 * float(classes.max())],
        ]
    )


def _chroma(power: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """Share of each pitch class (frames, 12) between 80 and 2,500 Hz."""
    frequencies = np.linspace(0, sample_rate / 2, power.shape[1])
    heard = (frequencies > _LOWEST_HZ) & (frequencies < _HIGHEST_HZ)
    pitch_class = np.round(12 * np.log2(frequencies[heard] / 440)).astype(int) % 12
    members = np.eye(12)[pitch_class]
    found = power[:, heard].astype(np.float64) @ members
    whole: NDArray[np.float64] = found / (found.sum(axis=1, keepdims=True) + 1e-9)
    return whole


def clip_vector(windows: NDArray[np.floating]) -> NDArray[np.float64]:
    """One vector for a clip: means and spreads of its windows' vectors."""
    vector: NDArray[np.float64] = np.concatenate([windows.mean(axis=0), windows.std(axis=0)])
    return vector

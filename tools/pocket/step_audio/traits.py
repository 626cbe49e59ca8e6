"""What edits change in a clip, measured: length, level, noise floor, silence, voicing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tools.pocket.step_audio.espeak import Wave
from tunesmith.families.step_audio.config import SAMPLE_RATE

_FRAME = SAMPLE_RATE // 50


def traits(wave: Wave) -> dict[str, float]:
    """What edits change: seconds, level, noise floor and longest silence (dB below full scale, seconds), voicing.

    The floor is what a tenth of the spectrum up to 8 kHz lies below where there is speech: noise fills it. Voicing is
    the mean height of the autocorrelation's peak between 60 and 400 Hz where there is speech: near 0.8 for a voice,
    0.2 for a whisper.
    """
    frames = wave[: max(1, len(wave) // _FRAME) * _FRAME].reshape(-1, _FRAME).astype(np.float64)
    levels = 20 * np.log10(np.maximum(np.sqrt((frames**2).mean(axis=1)), 1e-5))
    quiet = levels < levels.max() - 40
    runs = np.diff(np.flatnonzero(np.concatenate([[True], ~quiet, [True]]))) - 1
    return {
        "seconds": len(wave) / SAMPLE_RATE,
        "level_db": float(10 * np.log10(np.mean(wave.astype(np.float64) ** 2) + 1e-10)),
        "floor_db": _floor(wave, levels),
        "silence_s": float(runs.max() * _FRAME / SAMPLE_RATE),
        "voicing": _voicing(wave, levels),
    }


def _pieces(wave: Wave, levels: np.ndarray) -> Iterator[np.ndarray]:
    """80 ms around each frame with speech, windowed."""
    for frame in np.flatnonzero(levels >= levels.max() - 20):
        middle, width = int(frame) * _FRAME + _FRAME // 2, 2 * _FRAME
        piece = wave[max(0, middle - width) : middle + width].astype(np.float64)
        yield piece * np.hanning(len(piece))


def _floor(wave: Wave, levels: np.ndarray) -> float:
    spectra = [np.abs(np.fft.rfft(piece, 4 * _FRAME)) / _FRAME for piece in _pieces(wave, levels)]
    below = np.array(spectra)[:, : 4 * _FRAME * 8000 // SAMPLE_RATE]
    return float(20 * np.log10(np.percentile(below, 10) + 1e-6))


def _voicing(wave: Wave, levels: np.ndarray) -> float:
    heights = []
    for piece in _pieces(wave, levels):
        curve = np.fft.irfft(np.abs(np.fft.rfft(piece, 2 * len(piece))) ** 2)[: len(piece)]
        window = np.fft.irfft(np.abs(np.fft.rfft(np.hanning(len(piece)), 2 * len(piece))) ** 2)[: len(piece)]
        lags = slice(SAMPLE_RATE // 400, min(SAMPLE_RATE // 60, len(piece) // 2))
        heights.append(float((curve[lags] / window[lags]).max() / (curve[0] / window[0] + 1e-12)))
    return float(np.mean(heights))

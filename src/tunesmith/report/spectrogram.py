"""Pictures of sound: a spectrogram on a pitch-like axis as a small PNG, without a plotting library."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

RANGE_DB = 70.0
"""What the colours span, downwards from the loudest point of the group."""

_WINDOW = 2048
_ROWS = 96
_COLOURS = 48
# Night blue to warm white: lightness rises evenly, so that the picture also reads in grey print.
_ANCHORS = tuple(bytes.fromhex(c) for c in ("0d1021", "232f66", "1f6f86", "4fa86f", "e3b94c", "fff3d6"))


def to_mel(hertz: float | Array) -> float | Array:
    """Frequency on the ear's scale, so that bass is not squeezed into one line.

    Source: O'Shaughnessy (1987), 2595·log10(1 + f/700).
    """
    return 2595 * np.log10(1 + np.asarray(hertz) / 700)


def levels(mono: Array, sample_rate: int, seconds: float, top_hz: float, columns: int = 240) -> Array:
    """Level of each time and band.

    Args:
        mono: (N,) full scale ±1, finite.
        sample_rate: In Hz.
        seconds: What the time axis spans; columns after the end of the audio are NaN.
        top_hz: What the frequency axis spans; rows over Nyquist are NaN.
        columns: Width of the picture.

    Returns:
        (96, columns) in dB, the highest band first.
    """
    window = np.hanning(_WINDOW + 2)[1:-1].astype(np.float32)
    centres = (np.arange(columns) + 0.5) * seconds / columns * sample_rate
    padded = np.pad(mono.astype(np.float32), (_WINDOW // 2, _WINDOW // 2 + int(max(centres[-1] - len(mono), 0)) + 1))
    starts = centres.astype(int)
    power = np.stack([np.abs(np.fft.rfft(padded[s : s + _WINDOW] * window)) ** 2 for s in starts], axis=1)
    # Band edges cut FFT bins in parts: integrating the cumulated power gives each band its exact share, however narrow.
    edges = 700 * (10 ** (np.linspace(0, to_mel(top_hz), _ROWS + 1) / 2595) - 1)
    cumulated = np.concatenate([np.zeros((1, columns)), np.cumsum(power, axis=0)])
    position = np.clip(edges * _WINDOW / sample_rate + 0.5, 0, len(cumulated) - 1)
    below = np.minimum(position.astype(int), len(cumulated) - 2)
    share = (position - below)[:, None]
    at_edge = cumulated[below] * (1 - share) + cumulated[below + 1] * share
    result = 10 * np.log10(np.maximum(np.diff(at_edge, axis=0), 0) + 1e-12)
    result[edges[1:] > sample_rate / 2 + 1] = np.nan
    result[:, centres > len(mono)] = np.nan
    levels: Array = result[::-1]
    return levels


def picture(level: Array, peak: float) -> bytes:
    """A PNG of ``level``; ``peak`` (dB) is the brightest colour, NaN is transparent.

    Several pictures drawn with one peak can be compared by eye.
    """
    shown = np.isfinite(level)
    scaled = np.clip((np.where(shown, level, 0) - peak) / RANGE_DB + 1, 0, 1)
    pixels = np.where(shown, 1 + np.round(scaled * (_COLOURS - 1)), 0).astype(np.uint8)
    return _png(pixels)


def _palette() -> bytes:
    place = np.linspace(0, len(_ANCHORS) - 1, _COLOURS)
    channels = [np.interp(place, range(len(_ANCHORS)), [anchor[c] for anchor in _ANCHORS]) for c in range(3)]
    return b"\0\0\0" + np.stack(channels, axis=1).round().astype(np.uint8).tobytes()


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """Indexed PNG (W3C Portable Network Graphics, colour type 3); index 0 is transparent."""
    height, width = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels], axis=1).tobytes()
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", _palette()),
        (b"tRNS", b"\0"),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    chunks = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in parts)
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)

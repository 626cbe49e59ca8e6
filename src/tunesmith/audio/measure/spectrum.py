"""Short-time spectra and what they tell of the timbre: noise or tone, bandwidth, brightness, bass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.noise_windows import noise_windows, octave_levels

Array = NDArray[np.floating]

_WINDOW_S = 0.064
_FLOOR = 1e-16
_NOISE_BAND_DB = 30.0
_GAP_BINS = 12
_CLIFF_BINS = 3  # the window's own slope where a spectrum ends, which would pass for structure
_FEWEST_BINS = 20


@dataclass(frozen=True)
class Frames:
    """Power spectra of a mono signal: ``power`` (T, F), ``frequencies`` (F,) in Hz, one frame every ``hop_s``."""

    power: Array
    frequencies: Array
    hop_s: float


def power_frames(mono: Array, sample_rate: int, window_s: float, hop_s: float, padded_s: float | None = None) -> Frames:
    """Cuts a signal into windowed frames and takes their power spectra.

    Args:
        mono: (N,), full scale ±1.
        sample_rate: In Hz.
        window_s: Hann window length in seconds.
        hop_s: Seconds between frames (rounded to samples).
        padded_s: Frames are zero-padded to about this length; the window's own length when ``None``.

    Returns:
        Frames; a full-scale sine peaks at 0.25. T is 0 when the signal is shorter than one window.
    """
    from scipy.fft import next_fast_len, rfft

    hop = max(1, round(hop_s * sample_rate))
    size = max(8, next_fast_len(round((padded_s or window_s) * sample_rate), real=True))
    length = size if padded_s is None else max(4, min(size, round(window_s * sample_rate)))
    frequencies = np.arange(size // 2 + 1) * (sample_rate / size)
    if len(mono) < length:
        return Frames(np.zeros((0, len(frequencies)), np.float32), frequencies, hop / sample_rate)
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    pieces = np.lib.stride_tricks.sliding_window_view(mono.astype(np.float32, copy=False), length)[::hop]
    spectra = rfft(pieces * (window / window.sum()), n=size, axis=1)
    return Frames(spectra.real**2 + spectra.imag**2, frequencies, hop / sample_rate)


def log_mel(frames: Frames, bands: int, sample_rate: int, range_db: float) -> Array:
    """Mel-band levels in dB, the common view for comparing frames by ear.

    Args:
        frames: From :func:`power_frames`.
        bands: How many bands; fewer come back where a low sample rate leaves some empty.
        sample_rate: In Hz.
        range_db: Levels are held at this many dB under the loudest.

    Returns:
        (T, bands) dB.
    """
    size = 2 * (len(frames.frequencies) - 1)
    bank = mel_filterbank(sample_rate, size, bands)
    level = 10 * np.log10(frames.power @ bank + 1e-10)
    return np.maximum(level, level.max() - range_db) if len(level) else level


@lru_cache(maxsize=32)
def mel_filterbank(sample_rate: int, size: int, bands: int, low_hz: float = 40.0, high_hz: float = 14000.0) -> Array:
    """Triangular filters of equal area on Slaney's mel scale, (size/2 + 1, bands); empty filters are left out.

    Source: Slaney, "Auditory Toolbox" (1998): linear up to 1 kHz, logarithmic above.
    """
    high_hz = min(high_hz, sample_rate / 2)
    edges = _to_hertz(np.linspace(_to_mel(low_hz), _to_mel(high_hz), bands + 2))
    frequencies = np.arange(size // 2 + 1)[:, None] * (sample_rate / size)
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))
    return bank[:, bank.sum(axis=0) > 0].astype(np.float32)


def _to_mel(hertz: float) -> float:
    return hertz * 3 / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _to_hertz(mel: Array) -> Array:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.minimum(mel - 15, 100) * math.log(6.4) / 27))


_NOISE_WINDOWS = ("noise_share", "noise_onset_s", "noise_end_s", "noise_std_db")


def spectrum_signals(mono: Array, sample_rate: int) -> dict[str, float]:
    """Numbers that tell noise from music, and how bright and how bass-heavy it is.

    Args:
        mono: (N,), finite.
        sample_rate: In Hz; the noise band is 200-8000 Hz, cut where the material or Nyquist ends.

    Returns:
        ``flatness`` (raw spectral flatness), ``flat_white`` (the same after dividing by the local spectral envelope),
        ``fine_corr`` (how much fine structure survives from one frame to the next non-overlapping one), medians over
        frames; ``noise_share``, ``noise_onset_s``, ``noise_end_s`` and ``noise_std_db`` from :func:`noise_windows`;
        ``centroid_hz``; ``sub_share`` (energy under 120 Hz). All NaN under 0.3 s or for silence.
    """
    names = ("flatness", "flat_white", "fine_corr", *_NOISE_WINDOWS, "centroid_hz", "sub_share")
    frames = timbre_frames(mono, sample_rate)
    energy = frames.power.sum(axis=1)
    if len(energy) < 8 or energy.max() < 1e-12:
        return dict.fromkeys(names, math.nan)
    active = energy > energy.max() * 1e-4
    power = frames.power[active] if active.sum() >= 8 else frames.power
    mean = power.mean(axis=0)
    band = noise_band(mean, frames.frequencies)
    values = dict.fromkeys(names, math.nan)
    values["centroid_hz"] = float((frames.frequencies * mean).sum() / mean.sum())
    values["sub_share"] = float(mean[frames.frequencies < 120].sum() / mean.sum())
    if band is None:
        return values
    flatness, white, fine = noise_curves(frames.power[:, band])
    chosen = active if active.sum() >= 8 else np.ones_like(active)
    pairs = chosen[:-2] & chosen[2:]
    values["flatness"], values["flat_white"] = float(np.median(flatness[chosen])), float(np.median(white[chosen]))
    values["fine_corr"] = float(np.median(fine[pairs])) if pairs.any() else math.nan
    octaves = octave_levels(frames.power[:, band], frames.frequencies[band])
    found = noise_windows(flatness, white, fine, chosen, frames.hop_s, octaves)
    return values | dict(zip(_NOISE_WINDOWS, found, strict=True))


def timbre_frames(mono: Array, sample_rate: int) -> Frames:
    """Windows of 64 ms every 32 ms: what noise, tones and timbre are measured in."""
    return power_frames(mono, sample_rate, _WINDOW_S, _WINDOW_S / 2)


def noise_band(mean: Array, frequencies: Array) -> slice | None:
    """The bins from 200 Hz up that belong to the loudest part of the spectrum: beyond it there may be only rounding.

    Gaps of up to 360 Hz, as between the lines of a tone, do not end it.

    Args:
        mean: (F,) mean power by bin.
        frequencies: (F,) in Hz.

    Returns:
        The bins; ``None`` where fewer than 20 are left.
    """
    from scipy.ndimage import maximum_filter1d

    inside = np.flatnonzero((frequencies >= 200) & (frequencies <= min(8000, 0.95 * frequencies[-1])))
    if len(inside) < 32:
        return None
    near = maximum_filter1d(mean, 2 * _GAP_BINS + 1)
    top = int(inside[0] + near[inside].argmax())
    faint = np.flatnonzero(near < near[top] * 10 ** (-_NOISE_BAND_DB / 10))
    low, high = int(faint[faint < top].max(initial=-1)) + 1, int(faint[faint > top].min(initial=len(mean)))
    low += _GAP_BINS + _CLIFF_BINS if low else 0
    high -= _GAP_BINS + _CLIFF_BINS if high < len(mean) else 0
    low, high = max(low, int(inside[0])), min(high, int(inside[-1]) + 1)
    return slice(low, high) if high - low >= _FEWEST_BINS else None


def noise_curves(power: Array) -> tuple[Array, Array, Array]:
    """What tells noise from music, frame by frame.

    Args:
        power: (T, F) in the bins of :func:`noise_band`, windows that overlap by half.

    Returns:
        (T,) spectral flatness, (T,) the same after dividing by the envelope, (T-2,) correlation of the fine structure
        with that of the next window that does not overlap.
    """
    from scipy.ndimage import uniform_filter1d

    power = power + _FLOOR
    log = np.log(power)
    white = log - uniform_filter1d(log, 41, axis=1, mode="nearest")  # 41 bins of 15.6 Hz: an envelope 640 Hz wide
    ratio = np.exp(log.mean(axis=1)) / power.mean(axis=1)
    white_ratio = np.exp(white.mean(axis=1)) / np.exp(white).mean(axis=1)
    centred = white - white.mean(axis=1, keepdims=True)
    return ratio, white_ratio, cosine(centred[:-2], centred[2:])


def cosine(a: Array, b: Array) -> Array:
    """Row by row, how alike two sets of vectors are: (T, F), (T, F) -> (T,) in -1…1."""
    product = np.einsum("tf,tf->t", a, b)
    likeness: Array = product / np.sqrt(np.einsum("tf,tf->t", a, a) * np.einsum("tf,tf->t", b, b) + 1e-12)
    return likeness


def bandwidth(mono: Array, sample_rate: int) -> tuple[float, float]:
    """Finds the cliff that a lossy codec or an earlier low sample rate leaves in the spectrum.

    Args:
        mono: (N,), finite.
        sample_rate: In Hz.

    Returns:
        Edge in Hz (Nyquist when there is no cliff) and how far the level falls there in dB (the largest fall between
        adjacent 500 Hz bands that stays down). NaN, NaN for silence or under 0.13 s.
    """
    frames = power_frames(mono, sample_rate, 0.128, 0.064)
    nyquist = sample_rate / 2
    if len(frames.power) == 0 or frames.power.max() < 1e-12:
        return math.nan, math.nan
    level = 10 * np.log10(frames.power.mean(axis=0) + 1e-17)
    step = frames.frequencies[1]
    wide, gap = max(1, round(500 / step)), max(1, round(200 / step))
    centres = np.arange(round(2500 / step), len(level) - gap - 2, max(1, round(60 / step)))
    if len(centres) == 0:
        return nyquist, 0.0
    total = np.concatenate([[0.0], np.cumsum(level)])
    low, high = np.maximum(0, centres - wide - gap), np.minimum(len(level), centres + gap + wide)
    below = (total[centres - gap] - total[low]) / (centres - gap - low)
    above = (total[high] - total[centres + gap]) / (high - centres - gap)
    loudest_above = np.maximum.accumulate(level[::-1])[::-1][centres + gap]
    fall = np.where(below - loudest_above > 10, below - above, 0.0)
    deepest = float(fall.max())
    edge = float(np.median(frames.frequencies[centres[fall >= 0.9 * deepest]])) if deepest > 15 else nyquist
    return edge, deepest

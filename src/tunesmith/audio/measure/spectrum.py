"""Short-time spectra and what they tell of the timbre: noise or tone, bandwidth, brightness, bass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

NOISE_FLATNESS = 0.53  # Gaussian noise of any colour gives exp(-Euler's gamma) = 0.56, music a median of 0.25
NOISE_MOST_CORR = 0.12  # hats and snares over a quiet tune are as flat, but the tune's lines persist (0.13 and more)
NOISE_FINE_CORR = 0.03
NOISE_RAW_FLATNESS = 0.1
_WINDOW_S = 0.064
_FLOOR = 1e-16
_FEWEST_WINDOWS = 3
_LEAST_TURN = 0.05
_CLIFF_BINS = 24  # the window's own slope where a spectrum ends, which would pass for structure


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


def spectrum_signals(mono: Array, sample_rate: int) -> dict[str, float]:
    """Numbers that tell noise from music, and how bright and how bass-heavy it is.

    Args:
        mono: (N,), finite.
        sample_rate: In Hz; the noise band is 200-8000 Hz, cut where the material or Nyquist ends.

    Returns:
        ``flatness`` (raw spectral flatness), ``flat_white`` (the same after dividing by the local spectral envelope),
        ``fine_corr`` (how much fine structure survives from one frame to the next non-overlapping one), medians over
        frames; ``noise_share`` and ``noise_onset_s`` from :func:`noise_windows`; ``centroid_hz``; ``sub_share`` (energy
        under 120 Hz). All NaN under 0.3 s or for silence.
    """
    names = ("flatness", "flat_white", "fine_corr", "noise_share", "noise_onset_s", "centroid_hz", "sub_share")
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
    values["noise_share"], values["noise_onset_s"] = noise_windows(flatness, white, fine, chosen, frames.hop_s)
    return values


def timbre_frames(mono: Array, sample_rate: int) -> Frames:
    """Windows of 64 ms every 32 ms: what noise, tones and timbre are measured in."""
    return power_frames(mono, sample_rate, _WINDOW_S, _WINDOW_S / 2)


def noise_band(mean: Array, frequencies: Array) -> slice | None:
    """The bins from 200 Hz to where the material ends: beyond it there is only the noise of rounding.

    Args:
        mean: (F,) mean power by bin.
        frequencies: (F,) in Hz.

    Returns:
        The bins; ``None`` where fewer than 32 are left.
    """
    inside = np.flatnonzero((frequencies >= 200) & (frequencies <= min(8000, 0.95 * frequencies[-1])))
    if len(inside) < 32:
        return None
    last = inside[mean[inside] > mean[inside].max() * 1e-7][-1]
    if last < inside[-1]:
        last -= _CLIFF_BINS
    return slice(inside[0], last + 1) if last - inside[0] >= 31 else None


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


def is_noise(flatness: float, flat_white: float, fine_corr: float) -> bool:
    """Whether these three medians are those of noise; no value means no."""
    flat = flat_white > NOISE_FLATNESS and fine_corr < NOISE_MOST_CORR
    return flat or (fine_corr < NOISE_FINE_CORR and flatness > NOISE_RAW_FLATNESS)


def noise_windows(flatness: Array, white: Array, fine: Array, active: Array, hop_s: float) -> tuple[float, float]:
    """Finds music that dissolves into noise, which a median over the clip hides.

    Args:
        flatness: (T,) raw flatness by frame; ``white`` (T,) the whitened one; ``fine`` (T-2,) correlation.
        white: See above.
        fine: See above.
        active: (T,) frames within 40 dB of the loudest.
        hop_s: Seconds between frames.

    Returns:
        Share of 2 s windows (every 1 s) that are noise, and the second from which every window to the end is noise
        (NaN when there is none, fewer than three such windows, or no turn there).
    """
    width, step = max(8, round(2 / hop_s)), max(1, round(1 / hop_s))
    verdicts, levels = [], []
    for start in range(0, len(white) - width + 1, step):
        part = slice(start, start + width)
        chosen = active[part]
        pairs = fine[start : start + width - 2][chosen[2:]]
        if chosen.sum() < width // 2 or not len(pairs):
            verdicts.append(False)
            levels.append(math.nan)
            continue
        levels.append(float(np.median(white[part][chosen])))
        verdicts.append(is_noise(float(np.median(flatness[part][chosen])), levels[-1], float(np.median(pairs))))
    if not verdicts:
        return math.nan, math.nan
    trailing = len(verdicts) if all(verdicts) else verdicts[::-1].index(False)
    first = len(verdicts) - trailing
    if trailing < _FEWEST_WINDOWS or (first and not _turns(levels[:first], levels[first:])):
        return float(np.mean(verdicts)), math.nan
    return float(np.mean(verdicts)), first * step * hop_s


def _turns(before: list[float], after: list[float]) -> bool:
    """Whether flatness steps up, as where music gives way to noise; noisy drums stay as flat throughout."""
    known = [level for level in before if math.isfinite(level)]
    return not known or float(np.median(after)) - float(np.median(known)) > _LEAST_TURN


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

"""How loudness moves through a clip: the curve a listener follows, and whether it fades, stops or stays silent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.filtered import filtered

Array = NDArray[np.floating]

FLOOR_LUFS = -80.0
SILENT_LUFS = -60.0
_HOP_S = 0.1
_WINDOW_S = 0.4
_MAX_BLOCKS = 300  # block pairs grow with the square; three hours must stay as cheap as thirty seconds


def k_weighting(sample_rate: int) -> Array:
    """The two filters that make a level agree with the ear, for any sample rate.

    Args:
        sample_rate: In Hz.

    Returns:
        Second-order sections (2, 6). The shelf is left out (a pass-through) where its corner lies above Nyquist.

    Source: ITU-R BS.1770-4 annex 1; parametric form by De Man (2014, "Evaluation of implementations of EBU R128").
    """
    shelf = _section(3.999843853973347, 0.7071752369554196, 1681.974450955533, sample_rate)
    high_pass = _section(0.0, 0.5003270373238773, 38.13547087602444, sample_rate)
    return np.array([shelf, high_pass])


def _section(gain_db: float, q: float, corner_hz: float, sample_rate: int) -> list[float]:
    """A high shelf of ``gain_db``, or a high pass where that is 0."""
    if corner_hz >= 0.49 * sample_rate:
        return [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]
    k = math.tan(math.pi * corner_hz / sample_rate)
    a0 = 1 + k / q + k * k
    denominator = [1.0, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0]
    if gain_db == 0:
        return [
            1.0,
            -2.0,
            1.0,
            *denominator,
        ]  # not divided by a0: the standard prints them so, and its offset counts on it
    high = 10 ** (gain_db / 20)
    middle = high**0.4996667741545416
    numerator = [high + middle * k / q + k * k, 2 * (k * k - high), high - middle * k / q + k * k]
    return [value / a0 for value in numerator] + denominator


def loudness_curve(audio: Array, sample_rate: int) -> Array:
    """Draws what happens to the level over time: momentary loudness every 100 ms.

    Args:
        audio: (N,) or (N, C), full scale ±1. NaN and infinity count as silence.
        sample_rate: In Hz.

    Returns:
        (T,) LUFS, floor -80; value ``t`` covers 0.1·t to 0.1·t + 0.4 s. A clip under 0.4 s gives one value over its
        true length.

    Source: EBU Tech 3341 (400 ms windows of BS.1770 loudness).
    """
    samples = as_channels(audio)
    if len(samples) == 0:
        return np.array([FLOOR_LUFS])
    window, hop = max(1, round(_WINDOW_S * sample_rate)), max(1, round(_HOP_S * sample_rate))
    window = min(window, len(samples))
    total = np.zeros(len(samples) + 1)
    sections = k_weighting(sample_rate)
    for channel in range(samples.shape[1]):
        weighted = filtered(samples[:, channel], sections)
        np.cumsum(weighted**2, out=weighted)
        total[1:] += weighted
    starts = np.arange(1 + (len(samples) - window) // hop) * hop
    mean_square = (total[starts + window] - total[starts]) / window
    return np.maximum(-0.691 + 10 * np.log10(np.maximum(mean_square, 1e-12)), FLOOR_LUFS)


def as_channels(audio: Array) -> Array:
    """One shape for mono and many channels: (N, C) with NaN and infinity replaced by 0."""
    samples = np.asarray(audio)
    if not np.issubdtype(samples.dtype, np.floating):
        samples = samples.astype(np.float64)
    samples = samples[:, None] if samples.ndim == 1 else samples
    return samples if np.isfinite(samples).all() else np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)


def integrated(curve: Array) -> float:
    """One loudness for the clip, gated so that pauses do not count (LUFS; -80 for silence).

    Source: ITU-R BS.1770-4, gates at -70 LUFS and 10 LU under the first mean.
    """
    power = 10 ** ((curve + 0.691) / 10)
    loud = curve > -70
    if not loud.any():
        return FLOOR_LUFS
    gate = -0.691 + 10 * math.log10(power[loud].mean()) - 10
    return float(-0.691 + 10 * math.log10(power[loud & (curve > gate)].mean()))


def loudness_signals(curve: Array) -> dict[str, float]:
    """Numbers that tell a fade, a dead tail or a drone from a living clip.

    Args:
        curve: From :func:`loudness_curve`.

    Returns:
        ``lufs``; ``fade_drop3`` (dB from the first to the last third); ``fade_slope`` (dB/s, Theil-Sen over blocks of
        1 s) and ``fade_tau`` (-1 only falling … 1 only rising); ``dead_tail_s`` (trailing time 20 dB under the loud
        level); ``silence_ratio`` (share under -60 LUFS); ``lra`` (dB, 10th to 95th percentile). Fade numbers are NaN
        under 1.2 s, ``lra`` under 1 s of sound.
    """
    count = len(curve)
    level = integrated(curve)
    third = count // 3
    quiet = curve < np.percentile(curve, 90) - 20
    tail = count if quiet.all() else int(np.argmin(quiet[::-1]))
    audible = curve[curve > level - 20]
    slope, tau = _trend(curve)
    drop = np.percentile(curve[:third], 75) - np.percentile(curve[-third:], 75) if third >= 3 else math.nan
    return {
        "lufs": level,
        "fade_drop3": float(drop),
        "fade_slope": slope,
        "fade_tau": tau,
        "dead_tail_s": tail * _HOP_S,
        "silence_ratio": float((curve < SILENT_LUFS).mean()),
        "lra": float(np.percentile(audible, 95) - np.percentile(audible, 10)) if len(audible) > 6 else math.nan,
    }


def _trend(curve: Array) -> tuple[float, float]:
    size = max(10, math.ceil(len(curve) / _MAX_BLOCKS))
    starts = range(0, max(1, len(curve) - size // 2), size)
    blocks = np.array([np.percentile(curve[s : s + size], 90) for s in starts])
    if len(blocks) < 2:
        return math.nan, math.nan
    first, second = np.triu_indices(len(blocks), 1)
    rise = blocks[second] - blocks[first]
    direction = np.where(np.abs(rise) < 0.1, 0.0, np.sign(rise))  # under 0.1 dB, level is equal but for rounding
    return float(np.median(rise / ((second - first) * size * _HOP_S))), float(direction.mean())

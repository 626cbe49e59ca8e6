"""Whether two stretches of sound are the same recording: their waveforms, one shifted along the other.

Landmarks tell where a copy may lie. Where loud music around it takes most of them, or a loop agrees with itself at
every turn, few of them agree or several places do; the waveforms still follow each other, for codecs keep them. Before
they are compared every frequency is made equally strong, or any two basses of one pitch would be alike.

Source: Knapp & Carter 1976, "The generalized correlation method for estimation of time delay".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_LOWEST_HZ, _HIGHEST_HZ = 150.0, 4000.0  # under it are few periods, over it codecs make the sound up
_ENVELOPE_HZ = 100.0
_SLACK_S = 0.025  # a frame of the landmarks on both sides


def likeness(audio: NDArray[np.floating], other: NDArray[np.floating], at_s: float, sample_rate: int) -> float:
    """How far the waveform of a stretch follows another recording from about one place on.

    Args:
        audio: (N,) the stretch.
        other: (M,) the recording.
        at_s: Where the stretch begins in there, in seconds, to 25 ms; may be before its start.
        sample_rate: Of both, in Hz.

    Returns:
        The greatest correlation, 0 to 1, of either polarity. Unrelated music stays under 0.15, a copy through Opus
        reaches 0.64 to 0.94.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    slack = round(_SLACK_S * sample_rate)
    first = round(at_s * sample_rate) - slack
    part = np.zeros(len(audio) + 2 * slack, np.float32)
    low, high = max(0, first), min(len(other), first + len(part))
    if high <= low:
        return 0.0
    part[low - first : high - first] = other[low:high]
    stretch, part = _whitened(audio, sample_rate), _whitened(part, sample_rate)
    size = next_fast_len(len(stretch) + len(part), real=True)
    products = irfft(rfft(part, size) * np.conj(rfft(stretch, size)), size)[: 2 * slack + 1]
    energy = np.concatenate([[0.0], np.cumsum(part.astype(np.float64) ** 2)])
    energy = energy[len(stretch) : len(stretch) + 2 * slack + 1] - energy[: 2 * slack + 1]
    whole = np.sqrt(energy * float(stretch @ stretch))
    return float((np.abs(products) / np.maximum(whole, 1e-9)).max())


def _whitened(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.floating]:
    from scipy.fft import irfft, rfft
    from scipy.ndimage import uniform_filter1d

    spectrum = rfft(audio.astype(np.float32, copy=False))
    frequencies = np.arange(len(spectrum)) * (sample_rate / len(audio))
    power = spectrum.real**2 + spectrum.imag**2
    envelope = np.sqrt(uniform_filter1d(power, max(3, round(_ENVELOPE_HZ * len(audio) / sample_rate))))
    floor = 1e-6 * float(np.sqrt(power.max())) + 1e-12
    inside = (frequencies > _LOWEST_HZ) & (frequencies < _HIGHEST_HZ)
    whitened: NDArray[np.floating] = irfft(np.where(inside, spectrum / (envelope + floor), 0), len(audio))
    return whitened

"""What the samples themselves give away: clipping, offset, dead or identical channels, digital silence at the ends."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.gaps import dropouts, peak_envelope

Array = NDArray[np.floating]

_TINY = 1e-12
_SILENCE = 10 ** (-60 / 20)


def waveform_signals(samples: Array, sample_rate: int) -> dict[str, float]:
    """Numbers read straight off the waveform.

    Args:
        samples: (N, C), finite, full scale ±1.
        sample_rate: In Hz.

    Returns:
        ``peak``; ``crest_db`` (peak over RMS); ``dc`` (largest channel mean) and ``dc_ratio`` (over RMS);
        ``clip_frac`` (share of samples in flat tops at the peak); ``peak_bin_ratio`` (how much the last
        0.5 % of amplitude is fuller than the bins under it); ``dropouts`` (short holes with hard edges); ``lead_sil_s``
        and ``trail_sil_s`` (under -60 dBFS);
        ``side_mid_db``, ``stereo_corr``, ``lr_diff_db`` of the first two channels (NaN for mono).
    """
    if len(samples) == 0:
        return _stereo(np.zeros((1, 1))) | _ends(np.zeros(1), 0, sample_rate) | _empty()
    magnitude = np.abs(samples)
    loudest = reduce(np.maximum, magnitude.T)  # column by column: several times faster than by rows
    peak = float(loudest.max())
    rms = math.sqrt(float(np.mean(np.square(samples, dtype=np.float64))))
    dc = max(abs(float(channel.mean(dtype=np.float64))) for channel in samples.T)
    return {
        "peak": peak,
        "crest_db": 20 * math.log10((peak + _TINY) / (rms + _TINY)),
        "dc": dc,
        "dc_ratio": dc / (rms + _TINY),
        "dropouts": float(len(dropouts(peak_envelope(loudest[None], sample_rate)))),
        **_clipping(magnitude, peak),
        **_ends(loudest, len(samples), sample_rate),
        **_stereo(samples),
    }


def _empty() -> dict[str, float]:
    return dict.fromkeys(("peak", "crest_db", "dc", "dc_ratio", "dropouts", "clip_frac", "peak_bin_ratio"), 0.0)


def _clipping(magnitude: Array, peak: float) -> dict[str, float]:
    from tunesmith.audio.measure.clipping import clipped_samples

    if peak < _TINY:
        return {"clip_frac": 0.0, "peak_bin_ratio": 0.0}
    flat = sum(clipped_samples(channel, peak) for channel in magnitude.T)
    last = np.count_nonzero(magnitude >= peak * 0.995)
    under = np.count_nonzero(magnitude >= peak * 0.97) - last
    return {"clip_frac": flat / magnitude.size, "peak_bin_ratio": float(last / (under / 5 + 1))}


def _ends(loudest: Array, count: int, sample_rate: int) -> dict[str, float]:
    audible = loudest > _SILENCE
    if not audible.any():
        return {"lead_sil_s": count / sample_rate, "trail_sil_s": count / sample_rate}
    lead, trail = int(np.argmax(audible)), int(np.argmax(audible[::-1]))
    return {"lead_sil_s": lead / sample_rate, "trail_sil_s": trail / sample_rate}


def _stereo(samples: Array) -> dict[str, float]:
    if samples.shape[1] < 2:
        return {"side_mid_db": math.nan, "stereo_corr": math.nan, "lr_diff_db": math.nan}
    left, right = samples[:, 0].astype(np.float64), samples[:, 1].astype(np.float64)
    ll, rr, lr = (float(np.mean(a * b)) for a, b in ((left, left), (right, right), (left, right)))
    if ll + rr < 1e-10:
        return {"side_mid_db": math.nan, "stereo_corr": math.nan, "lr_diff_db": math.nan}
    side, mid = max(0.0, ll + rr - 2 * lr) / 4, max(0.0, ll + rr + 2 * lr) / 4
    return {
        "side_mid_db": 10 * math.log10(side + 1e-14) - 10 * math.log10(mid + 1e-14),
        "stereo_corr": lr / math.sqrt(ll * rr + 1e-20),
        "lr_diff_db": abs(10 * math.log10((ll + _TINY) / (rr + _TINY))),
    }

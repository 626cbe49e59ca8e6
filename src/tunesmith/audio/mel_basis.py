"""Slaney's mel filterbank, computed in double precision, for every front end that uses it.

Source: M. Slaney, "Auditory Toolbox" (1998): a mel scale that is linear below 1 kHz and logarithmic above, with
triangles of equal area.
"""

from __future__ import annotations

import math

import torch

_LINEAR_TOP, _LINEAR_STEP, _LOG_STEP = 1000.0, 200.0 / 3, math.log(6.4) / 27


def mel_filterbank(rate: int, bins: int, n_mels: int, f_min: float, f_max: float) -> torch.Tensor:
    """Triangles between neighbouring mel points, scaled to equal area.

    Args:
        rate: Sample rate, Hz.
        bins: Frequency bins from 0 to half the rate, both included.
        n_mels: Number of filters.
        f_min: Where the first filter begins, Hz.
        f_max: Where the last filter ends, Hz.

    Returns:
        (bins, n_mels) float32.
    """
    points = _to_hertz(torch.linspace(_to_mel(f_min), _to_mel(f_max), n_mels + 2, dtype=torch.float64))
    frequencies = torch.linspace(0, rate / 2, bins, dtype=torch.float64)
    widths = points[1:] - points[:-1]
    distances = points[None] - frequencies[:, None]
    rising = -distances[:, :-2] / widths[:-1]
    falling = distances[:, 2:] / widths[1:]
    triangles = torch.minimum(rising, falling).clamp(min=0)
    return (triangles * (2 / (points[2:] - points[:-2]))).float()


def _to_mel(hertz: float) -> float:
    if hertz < _LINEAR_TOP:
        return hertz / _LINEAR_STEP
    return _LINEAR_TOP / _LINEAR_STEP + math.log(hertz / _LINEAR_TOP) / _LOG_STEP


def _to_hertz(mel: torch.Tensor) -> torch.Tensor:
    knee = _LINEAR_TOP / _LINEAR_STEP
    return torch.where(mel < knee, mel * _LINEAR_STEP, _LINEAR_TOP * torch.exp((mel - knee) * _LOG_STEP))

"""Audio operations in double precision, for tests that ask how far rounding has carried the shipped ones."""

from __future__ import annotations

import math

import torch

from tests.golden_files import UNIT


def exact_resample(audio: torch.Tensor, from_rate: int, to_rate: int) -> tuple[torch.Tensor, torch.Tensor]:
    """torchaudio's ``Resample`` in double precision, and what single precision may lose of each sample.

    y[n] is the sum over i of x[i] * sinc(t) * cos²(pi t / 12) * c, where t = c * (i - n * from / to) in zero crossings
    and |t| < 6; the phase of n is rounded to single precision, as torchaudio does. A sum of k products is off by at
    most k + 1 roundings of the sum of their magnitudes: one of each weight, one of each product, k - 1 of the sum.
    """
    common = math.gcd(from_rate, to_rate)
    step, phases = from_rate // common, to_rate // common
    cutoff = 0.99 * min(step, phases)
    block = torch.arange(math.ceil(audio.shape[-1] * phases / step)).div(phases, rounding_mode="floor")[:, None]
    phase = (torch.arange(len(block))[:, None] % phases / phases).double()
    reach = math.ceil(6 * step / cutoff)
    near = torch.floor(phase * step).long() + torch.arange(-reach, reach + 2)
    t = cutoff * (near.double() / step - phase)
    kernel = torch.where(t.abs() < 6, torch.sinc(t) * torch.cos(math.pi * t / 12) ** 2 * cutoff / step, 0.0)
    at = near + block * step
    inside = (at >= 0) & (at < audio.shape[-1])
    products = kernel * inside * audio.double()[..., at.clamp(0, audio.shape[-1] - 1)]
    roundings = int((kernel != 0).sum(dim=1).max()) + 1
    return products.sum(dim=-1), roundings * UNIT * products.abs().sum(dim=-1)

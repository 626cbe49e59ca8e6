"""Diffusion time for ACE-Step v1: sinusoid, embedding, modulation.

Shapes: B items, D width.

Times are 1000 * sigma and stay fp32 until they are embedded: in bf16 they would be off by up to 2 of 1000.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

_SINUSOIDS = 256
_LONGEST_PERIOD = 10_000.0


def sinusoid(time_B: torch.Tensor) -> torch.Tensor:
    """Cosines, then sines, of time at 128 frequencies (B, 256), fp32."""
    half = _SINUSOIDS // 2
    steps = torch.arange(half, device=time_B.device, dtype=torch.float32)
    angles = time_B.float()[:, None] * torch.exp(-math.log(_LONGEST_PERIOD) / half * steps)
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimeEmbedding(nn.Module):
    """Sinusoid to a vector of the model's width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(_SINUSOIDS, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, sinusoid_BS: torch.Tensor) -> torch.Tensor:
        """(B, 256) to (B, D)."""
        embedded: torch.Tensor = self.linear_2(F.silu(self.linear_1(sinusoid_BS)))
        return embedded


def time_modulation(width: int) -> nn.Sequential:
    """Embedded time (B, D) to the six modulation vectors that all blocks share (B, 6 * D)."""
    return nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))

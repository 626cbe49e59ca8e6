"""Pieces of transformers with relative positions, after "Transformer-XL" (Dai et al. 2019).

Shapes: B items, T positions, D width, H heads, R = 2T - 1 distances.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F


class FeedForward(nn.Module):
    """Two linear layers with SiLU and dropout between them."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, hidden)
        self.w_2 = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """(B, T, D) to (B, T, D)."""
        out: torch.Tensor = self.w_2(self.dropout(F.silu(self.w_1(x_BTD))))
        return out


def distance_table(positions: int, width: int, device: torch.device) -> torch.Tensor:
    """Sinusoids (R, D) of the distances T-1, ..., 0, ..., -(T-1), sine and cosine in turn, fp32."""
    distances = torch.arange(positions - 1, -positions, -1, device=device, dtype=torch.float32)
    columns = torch.arange(0, width, 2, device=device, dtype=torch.float32)
    angles = distances[:, None] * torch.exp(columns * (-math.log(10_000.0) / width))
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)


def align(scores_BHTR: torch.Tensor) -> torch.Tensor:
    """Scores by distance to scores by key (B, H, T, T): query i, key j reads column T-1-i+j."""
    positions = scores_BHTR.shape[2]
    if positions == 1:
        return scores_BHTR
    # Rows read one column shorter than they are begin one column earlier each: the shift, without an index.
    rows = scores_BHTR.flatten(2)[..., positions - 1 : -1].unflatten(-1, (positions, -1))
    # Kernels ask for rows that begin at aligned addresses.
    aligned: torch.Tensor = rows[..., :positions].contiguous()
    return aligned

"""Rotary positions of ACE-Step v1, with the pairing its weights were trained on.

Shapes: B items, H heads, S positions, E head width.

The angle table is laid out in two equal halves (column j holds frequency j mod E/2), yet it is applied to neighbouring
columns (2i, 2i+1), so the two columns of a pair turn by different angles. That is no rotation, but it is what the
released weights learned (``acestep/models/attention.py``); "RoFormer" (Su et al. 2021) is the idea behind it.
"""

from __future__ import annotations

import torch

Rope = tuple[torch.Tensor, torch.Tensor]
"""Cosine and signed sine, each (B or 1, 1, S, E) in fp32; the sine is negative in even columns."""


def rope_table(positions_BS: torch.Tensor, width: int, theta: float) -> Rope:
    """The table for the given positions.

    It is computed once per forward pass and handed to every block, which keeps blocks free of state: each can be
    compiled and recomputed alone.
    """
    columns = torch.arange(0, width, 2, device=positions_BS.device, dtype=torch.float32)
    frequencies = 1.0 / theta ** (columns / width)
    angles = positions_BS.float()[:, None, :, None] * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    sign = torch.ones(width, device=angles.device)
    sign[0::2] = -1
    return angles.cos(), angles.sin() * sign


def rotate(x_BHSE: torch.Tensor, rope: Rope) -> torch.Tensor:
    """Apply a table to queries or keys; the result is fp32, whatever came in."""
    cos, signed_sin = rope
    x = x_BHSE.float()
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return x * cos + torch.stack([odd, even], dim=-1).flatten(-2) * signed_sin

"""The two attentions of an ACE-Step v1 block: linear over the frames, softmax over the conditions.

Shapes: B items, T frames, L conditioning tokens, D width, H heads, E head width (D = H * E).

Linear attention with ReLU features is that of "SANA" (Xie et al. 2024). The checkpoint also holds
``cross_attn.add_{q,k,v}_proj`` and ``cross_attn.to_add_out``; no forward pass uses them, so they are not built.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.ace_step.parts.rope import Rope, rotate
from tunesmith.families.short_keys import attend

# Keeps a frame whose query has no positive entry at 0 instead of 0/0.
_NO_MASS = 1e-15


class _Projections(nn.Module):
    """The four linear layers under their published names."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def query(self, x_BTD: torch.Tensor, scale_B: torch.Tensor | None) -> torch.Tensor:
        """Queries (B, T, D), weakened per item where ``scale_B`` is given (bias included)."""
        query = self.to_q(x_BTD)
        scaled: torch.Tensor = query if scale_B is None else query * scale_B[:, None, None].to(query.dtype)
        return scaled

    def split(self, x_BSD: torch.Tensor) -> torch.Tensor:
        """(B, S, D) to (B, H, S, E)."""
        per_head: torch.Tensor = x_BSD.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return per_head

    def join(self, x_BHSE: torch.Tensor) -> torch.Tensor:
        """(B, H, S, E) to (B, S, D) through the output layer."""
        joined: torch.Tensor = self.to_out[0](x_BHSE.transpose(1, 2).flatten(2))
        return joined


class LinearSelfAttention(_Projections):
    """Attention of every frame to every frame, at a cost linear in their number."""

    def forward(
        self,
        x_BTD: torch.Tensor,
        rope: Rope,
        mask_BT: torch.Tensor | None = None,
        query_scale_B: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Mix the frames (B, T, D); those with mask 0 neither give nor take."""
        q = F.relu(rotate(self.split(self.query(x_BTD, query_scale_B)), rope))
        k = F.relu(rotate(self.split(self.to_k(x_BTD)), rope))
        v = self.split(self.to_v(x_BTD))
        if mask_BT is not None:
            mask = mask_BT[:, None, :, None].float()
            # A key of zero takes its value out of both sums, so values need no mask of their own.
            q, k = q * mask, k * mask
        # The sums run over thousands of frames: fp32 even where autocast would halve it.
        with torch.autocast(x_BTD.device.type, enabled=False):
            states_BHEE = k.transpose(-1, -2) @ v.float()
            mass_BHT1 = q @ k.sum(dim=-2).unsqueeze(-1)
            mixed = (q @ states_BHEE) / (mass_BHT1 + _NO_MASS)
        return self.join(mixed.to(v.dtype))


class CrossAttention(_Projections):
    """Attention of every frame to the conditioning tokens."""

    def forward(
        self,
        x_BTD: torch.Tensor,
        conditions_BLD: torch.Tensor,
        rope: Rope,
        condition_rope: Rope,
        condition_mask_B11L: torch.Tensor,
        mask_BT: torch.Tensor | None = None,
        query_scale_B: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Read the conditions (B, L, D) into the frames (B, T, D); frames with mask 0 read nothing.

        ``condition_mask_B11L`` is boolean and has at least one valid token per item (the speaker's).
        """
        q = self.split(self.query(x_BTD, query_scale_B))
        k, v = self.split(self.to_k(conditions_BLD)), self.split(self.to_v(conditions_BLD))
        q, k = rotate(q, rope).to(v.dtype), rotate(k, condition_rope).to(v.dtype)
        read = attend(q, k, v, condition_mask_B11L)
        if mask_BT is not None:
            read = read * mask_BT[:, None, :, None].to(read.dtype)
        return self.join(read)

"""One transformer block of ACE-Step v1.

Shapes: B items, T frames, L conditioning tokens, D width.

Source: the adaptive-norm-single block of "PixArt-alpha" (Chen et al. 2023): one table per block is added to modulation
shared by all. Here cross-attention has neither norm nor modulation nor gate (``acestep/models/attention.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.ace_step.parts.attention import CrossAttention, LinearSelfAttention
from tunesmith.families.ace_step.parts.feed_forward import GatedConvolution
from tunesmith.families.ace_step.parts.rope import Rope

NORM_EPSILON = 1e-6


@dataclass(frozen=True)
class BlockInputs:
    """What every block of one forward pass reads besides the frames.

    Attributes:
        modulation: (B, 6, D), from time.
        conditions: (B, L, D).
        condition_mask: (B, 1, 1, L) boolean.
        rope: Table of the frames.
        condition_rope: Table of the conditioning tokens.
        attention_mask: (B, T) of frames, or ``None`` where all are valid.
        convolution_mask: The same for the convolution over time.
    """

    modulation: torch.Tensor
    conditions: torch.Tensor
    condition_mask: torch.Tensor
    rope: Rope
    condition_rope: Rope
    attention_mask: torch.Tensor | None
    convolution_mask: torch.Tensor | None


class TransformerBlock(nn.Module):
    """Linear self-attention, cross-attention, gated convolution; each added to the frames."""

    def __init__(self, width: int, heads: int, ratio: float) -> None:
        super().__init__()
        self.attn = LinearSelfAttention(width, heads)
        self.cross_attn = CrossAttention(width, heads)
        self.ff = GatedConvolution(width, ratio)
        self.scale_shift_table = nn.Parameter(torch.randn(6, width) / width**0.5)

    def forward(
        self, x_BTD: torch.Tensor, inputs: BlockInputs, query_scale_B: torch.Tensor | None = None
    ) -> torch.Tensor:
        """The frames after this block; ``query_scale_B`` weakens both attentions' queries per item."""
        shift, scale, gate, shift_ff, scale_ff, gate_ff = (self.scale_shift_table + inputs.modulation).chunk(6, dim=1)
        mask = inputs.attention_mask
        x = x_BTD + gate * self.attn(modulated(x_BTD, shift, scale), inputs.rope, mask, query_scale_B)
        x = x + self.cross_attn(
            x, inputs.conditions, inputs.rope, inputs.condition_rope, inputs.condition_mask, mask, query_scale_B
        )
        mixed: torch.Tensor = x + gate_ff * self.ff(modulated(x, shift_ff, scale_ff), inputs.convolution_mask)
        return mixed


def modulated(x_BTD: torch.Tensor, shift_B1D: torch.Tensor, scale_B1D: torch.Tensor) -> torch.Tensor:
    """RMS norm without weight, then scale and shift."""
    return F.rms_norm(x_BTD, x_BTD.shape[-1:], eps=NORM_EPSILON) * (1 + scale_B1D) + shift_B1D

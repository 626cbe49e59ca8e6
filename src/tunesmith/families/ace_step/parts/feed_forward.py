"""The gated convolutional feed-forward of an ACE-Step v1 block, over time.

Shapes: B items, T frames, D width, C hidden channels.

Source: the GLUMBConv of "SANA" (Xie et al. 2024), here in one dimension.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.quantise import LINEAR, Packed


class PointwiseConvolution(nn.Conv1d):
    """A convolution of one tap as the matrix product it is: the same numbers, in three quarters of the time (CPU).

    It stays a convolution to its checkpoint, whose weights have a kernel dimension, and to adapters, which make more of
    its type themselves.
    """

    def forward(self, x_BCT: torch.Tensor) -> torch.Tensor:
        """(B, inner, T) to (B, outer, T)."""
        return F.linear(x_BCT.transpose(1, 2), self.weight[..., 0], self.bias).transpose(1, 2)


class PackedConvolution(Packed, PointwiseConvolution):
    """One whose weight can be packed."""

    plain = PointwiseConvolution

    @staticmethod
    def sizes(layer: Any) -> tuple[int, ...]:
        """Inputs, outputs and the one tap."""
        return layer.in_channels, layer.out_channels, 1

    def forward(self, x_BCT: torch.Tensor) -> torch.Tensor:
        """(B, inner, T) to (B, outer, T)."""
        return super().forward(x_BCT) if self.packed is None else self.product(x_BCT.mT).mT


PACKABLE: Mapping[type[nn.Module], type[Packed]] = {**LINEAR, PointwiseConvolution: PackedConvolution}
"""The layers of a block's ten matrices, its eight projections and both convolutions of one tap."""


class _Named(nn.Module):
    """One convolution under the published name ``conv``."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x_BCT: torch.Tensor) -> torch.Tensor:
        """Convolve over time; the length stays."""
        convolved: torch.Tensor = self.conv(x_BCT)
        return convolved


class GatedConvolution(nn.Module):
    """Widen, look at the neighbouring frames, gate, narrow."""

    def __init__(self, width: int, ratio: float) -> None:
        super().__init__()
        hidden = int(width * ratio)
        self.inverted_conv = _Named(PointwiseConvolution(width, 2 * hidden, 1))
        self.depth_conv = _Named(nn.Conv1d(2 * hidden, 2 * hidden, 3, padding=1, groups=2 * hidden))
        self.point_conv = _Named(PointwiseConvolution(hidden, width, 1, bias=False))

    def forward(self, x_BTD: torch.Tensor, mask_BT: torch.Tensor | None = None) -> torch.Tensor:
        """Transform the frames (B, T, D); with a mask, frames of 0 look like the zeros beyond a clip's end."""
        # Gates that lie in memory as their gradients will: mixed layouts take the gates' backward pass, in bf16 on a
        # CPU, many times as long.
        wide = F.silu(self.inverted_conv(x_BTD.transpose(1, 2)).contiguous())
        if mask_BT is not None:
            wide = wide * mask_BT[:, None, :].to(wide.dtype)
        value, gate = self.depth_conv(wide).transpose(1, 2).contiguous().chunk(2, dim=-1)
        narrow: torch.Tensor = self.point_conv((value * F.silu(gate)).transpose(1, 2))
        return narrow.transpose(1, 2)

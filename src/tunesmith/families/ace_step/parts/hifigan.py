"""The vocoder's HiFi-GAN generator, with the state-dict names of ACE-Step's ``music_vocoder``.

Source: Kong et al., "HiFi-GAN" (2020), with SiLU throughout. Weight norm is folded into plain weights at load, as
nothing here is trained. Shapes: B rows, C channels, F frames, N samples.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


class ResBlock(nn.Module):
    """Pairs of convolutions, the first of each dilated, with a skip around every pair."""

    def __init__(self, channels: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()
        self.convs1 = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)
            for dilation in dilations
        )
        self.convs2 = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations)

    def forward(self, x_BCN: torch.Tensor) -> torch.Tensor:
        """(B, C, N) to the same shape."""
        for dilated, plain in zip(self.convs1, self.convs2, strict=True):
            x_BCN = x_BCN + plain(F.silu(dilated(F.silu(x_BCN)), inplace=True))
        return x_BCN


class HiFiGAN(nn.Module):
    """Features (B, C, F) to audio (B, N), N = F times the product of ``upsample_rates``."""

    def __init__(
        self,
        *,
        features: int,
        width: int,
        upsample_rates: list[int],
        upsample_kernels: list[int],
        resblock_kernels: list[int],
        resblock_dilations: list[list[int]],
        end_kernels: tuple[int, int],
    ) -> None:
        super().__init__()
        first, last = end_kernels
        self.branches = len(resblock_kernels)
        self.conv_pre = nn.Conv1d(features, width, first, padding=first // 2)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        for rate, kernel in zip(upsample_rates, upsample_kernels, strict=True):
            self.ups.append(nn.ConvTranspose1d(width, width // 2, kernel, rate, padding=(kernel - rate) // 2))
            width //= 2
            for size, dilations in zip(resblock_kernels, resblock_dilations, strict=True):
                self.resblocks.append(ResBlock(width, size, dilations))
        self.conv_post = nn.Conv1d(width, 1, last, padding=last // 2)

    def forward(self, features_BCF: torch.Tensor) -> torch.Tensor:
        """(B, C, F) to (B, N), within ±1."""
        hidden = self.conv_pre(features_BCF)
        for level, up in enumerate(self.ups):
            hidden = up(F.silu(hidden, inplace=True))
            first, *others = self.resblocks[level * self.branches : (level + 1) * self.branches]
            total = first(hidden)
            for branch in others:
                total += branch(hidden)
            hidden = total.div_(self.branches)
        return torch.tanh(self.conv_post(F.silu(hidden, inplace=True)))[:, 0]

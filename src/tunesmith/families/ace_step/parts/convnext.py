"""The vocoder's ConvNeXt backbone over time, with the state-dict names of ACE-Step's ``music_vocoder``.

Source: Liu et al., "A ConvNet for the 2020s" (2022), in one dimension. Shapes: B rows, C channels, F frames.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

EPS, KERNEL, EXPANSION = 1e-6, 7, 4


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of (B, C, F)."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=EPS)

    def forward(self, x_BCF: torch.Tensor) -> torch.Tensor:
        """Normalise every frame."""
        return super().forward(x_BCF.transpose(1, 2)).transpose(1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, then a two-layer network per frame, scaled and added."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv1d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.pwconv1 = nn.Linear(channels, EXPANSION * channels)
        self.pwconv2 = nn.Linear(EXPANSION * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x_BCF: torch.Tensor) -> torch.Tensor:
        """(B, C, F) to the same shape."""
        hidden = self.norm(self.dwconv(x_BCF).transpose(1, 2))
        hidden = self.gamma * self.pwconv2(F.gelu(self.pwconv1(hidden)))
        output: torch.Tensor = x_BCF + hidden.transpose(1, 2)
        return output


class ConvNeXt(nn.Module):
    """Log-mel (B, M, F) to features (B, dims[-1], F); the frame rate stays."""

    def __init__(self, mel_bins: int, depths: list[int], dims: list[int], kernel: int) -> None:
        super().__init__()
        stem = nn.Conv1d(mel_bins, dims[0], KERNEL, padding=KERNEL // 2, padding_mode="replicate")
        self.channel_layers = nn.ModuleList([nn.Sequential(stem, ChannelNorm(dims[0]))])
        for before, after in pairwise(dims):
            self.channel_layers.append(nn.Sequential(ChannelNorm(before), nn.Conv1d(before, after, 1)))
        self.stages = nn.ModuleList(
            nn.Sequential(*(ConvNeXtBlock(dim, kernel) for _ in range(depth)))
            for dim, depth in zip(dims, depths, strict=True)
        )
        self.norm = ChannelNorm(dims[-1])

    def forward(self, mel_BMF: torch.Tensor) -> torch.Tensor:
        """(B, M, F) to (B, C, F)."""
        hidden = mel_BMF
        for change, stage in zip(self.channel_layers, self.stages, strict=True):
            hidden = stage(change(hidden))
        output: torch.Tensor = self.norm(hidden)
        return output

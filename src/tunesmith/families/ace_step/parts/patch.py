"""Latents to frames and back, for ACE-Step v1: one transformer frame per latent frame.

Shapes: B items, C latent channels, H latent height, T frames, D width, W channels of the first convolution, G groups.
"""

from __future__ import annotations

import torch
from torch import nn

from tunesmith.families.ace_step.parts.block import modulated

_GROUPS = 32
_WIDENING = 256


class MaskedGroupNorm(nn.GroupNorm):
    """Group norm over channels and time that can leave padding out of its mean and variance.

    With padding in them they would depend on how long the longest clip of a batch is, and with them every frame.
    """

    def forward(self, x_BW1T: torch.Tensor, mask_BT: torch.Tensor | None = None) -> torch.Tensor:
        """Normalise; with a mask, by its frames alone and in fp32."""
        if mask_BT is None:
            return super().forward(x_BW1T)
        grouped = x_BW1T.float().unflatten(1, (self.num_groups, -1)).flatten(2, 3)
        mask = mask_BT[:, None, None, :].float()
        count = mask.sum(dim=-1, keepdim=True) * grouped.shape[2]
        centred = grouped - (grouped * mask).sum(dim=(2, 3), keepdim=True) / count
        variance = (centred.square() * mask).sum(dim=(2, 3), keepdim=True) / count
        normal = (centred * torch.rsqrt(variance + self.eps)).view_as(x_BW1T)
        output: torch.Tensor = (normal * self.weight[:, None, None] + self.bias[:, None, None]).to(x_BW1T.dtype)
        return output


class PatchEmbedding(nn.Module):
    """Latents (B, C, H, T) to frames (B, T, D); each convolution sees one frame, the norm between them all frames."""

    def __init__(self, channels: int, patch: tuple[int, int], width: int) -> None:
        super().__init__()
        wide = channels * _WIDENING
        self.early_conv_layers = nn.Sequential(
            nn.Conv2d(channels, wide, patch, stride=patch),
            MaskedGroupNorm(_GROUPS, wide, eps=1e-6),
            nn.Conv2d(wide, width, 1),
        )

    def forward(self, latents_BCHT: torch.Tensor, mask_BT: torch.Tensor | None = None) -> torch.Tensor:
        """Embed; with a mask, only its frames enter the norm's statistics."""
        widen, norm, narrow = self.early_conv_layers
        frames: torch.Tensor = narrow(norm(widen(latents_BCHT), mask_BT))
        return frames.squeeze(2).transpose(1, 2)


class FinalLayer(nn.Module):
    """Frames (B, T, D) to the velocity (B, C, H, T), modulated by embedded time."""

    def __init__(self, width: int, channels: int, patch: tuple[int, int]) -> None:
        super().__init__()
        self.height = patch[0]
        self.linear = nn.Linear(width, patch[0] * patch[1] * channels)
        self.scale_shift_table = nn.Parameter(torch.randn(2, width) / width**0.5)

    def forward(self, x_BTD: torch.Tensor, time_BD: torch.Tensor) -> torch.Tensor:
        """The linear layer's outputs are ordered (height, channel)."""
        shift, scale = (self.scale_shift_table + time_BD[:, None]).chunk(2, dim=1)
        flat: torch.Tensor = self.linear(modulated(x_BTD, shift, scale))
        output: torch.Tensor = flat.unflatten(-1, (self.height, -1)).permute(0, 3, 2, 1)
        return output

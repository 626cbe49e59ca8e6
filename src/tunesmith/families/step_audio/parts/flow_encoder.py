"""The flow's encoder: token embeddings at 25 Hz to states at 50 Hz.

Shapes: B items, T tokens, S = T * stride states, D width.

Source: ``cosyvoice2/transformer/upsample_encoder_v2.py`` of Step-Audio-EditX, whose tensor names and shapes are kept.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import FlowEncoderConfig
from tunesmith.families.step_audio.parts.conformer import ConformerInputLayer, ConformerLayer

_LOOK_BACK = 2


class LookAhead(nn.Module):
    """Lets every token see the next few, then two before."""

    def __init__(self, width: int, tokens: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.conv1 = nn.Conv1d(width, width, tokens + 1)
        self.conv2 = nn.Conv1d(width, width, _LOOK_BACK + 1)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """(B, T, D) to (B, T, D); what is past the end of an item must be zero, or it reaches the last tokens."""
        x = F.leaky_relu(self.conv1(F.pad(x_BTD.transpose(1, 2), (0, self.tokens))))
        x = self.conv2(F.pad(x, (_LOOK_BACK, 0)))
        output: torch.Tensor = x.transpose(1, 2) + x_BTD
        return output


class Upsample(nn.Module):
    """Repeats every token, then a convolution that looks back only."""

    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv = nn.Conv1d(width, width, 2 * stride + 1)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """(B, T, D) to (B, S, D)."""
        repeated = x_BTD.repeat_interleave(self.stride, dim=1).transpose(1, 2)
        out: torch.Tensor = self.conv(F.pad(repeated, (2 * self.stride, 0)))
        return out.transpose(1, 2)


class FlowEncoder(nn.Module):
    """Look-ahead, layers at 25 Hz, up-sampling, layers at 50 Hz.

    Args:
        config: Sizes; ``dropout_rate`` acts in train mode only, on activations, positions and attention alike.
    """

    def __init__(self, config: FlowEncoderConfig) -> None:
        super().__init__()
        width = config.output_size
        self.embed = ConformerInputLayer(config.input_size, width, config.dropout_rate)
        self.pre_lookahead_layer = LookAhead(width, config.pre_lookahead_len)
        self.encoders = nn.ModuleList(ConformerLayer(config) for _ in range(config.num_blocks))
        self.up_layer = Upsample(width, config.up_stride)
        self.up_embed = ConformerInputLayer(width, width, config.dropout_rate)
        self.up_encoders = nn.ModuleList(ConformerLayer(config) for _ in range(config.num_up_blocks))
        self.after_norm = nn.LayerNorm(width)

    def forward(self, x_BTD: torch.Tensor, mask_BT: torch.Tensor | None) -> torch.Tensor:
        """States (B, S, D) of embedded tokens.

        Args:
            x_BTD: Embedded tokens.
            mask_BT: True where a token is valid, ``None`` where all are. Padding changes no valid state, unlike
                upstream, where it comes back through the bias of the input layer and the look-ahead.
        """
        x, distances = self.embed(x_BTD)
        if mask_BT is not None:
            x = x * mask_BT[..., None]
        x = self.pre_lookahead_layer(x)
        for layer in self.encoders:
            x = layer(x, distances, mask_BT)
        x, distances = self.up_embed(self.up_layer(x))
        up_mask = None if mask_BT is None else mask_BT.repeat_interleave(self.up_layer.stride, dim=1)
        for layer in self.up_encoders:
            x = layer(x, distances, up_mask)
        out: torch.Tensor = self.after_norm(x)
        return out

"""Transformer layers with relative positions, the stuff of the flow's encoder.

Shapes: B items, T positions, D width, H heads, E head width, R = 2T - 1 distances.

Relative attention is that of "Transformer-XL" (Dai et al. 2019). Upstream calls the layers a conformer, but no layer
convolves and attention reaches every position (``cosyvoice2/transformer`` of Step-Audio-EditX).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.relative import FeedForward, align, distance_table
from tunesmith.families.step_audio.config import FlowEncoderConfig

_LAYER_EPS = 1e-12


class ConformerInputLayer(nn.Module):
    """Features to the first layer's input."""

    def __init__(self, features: int, width: int, dropout: float) -> None:
        super().__init__()
        self.out = nn.Sequential(nn.Linear(features, width), nn.LayerNorm(width), nn.Dropout(dropout))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x_BTD: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The input (B, T, D), scaled by the root of the width, and its distance table (R, D)."""
        x: torch.Tensor = self.out(x_BTD)
        distances = distance_table(x.shape[1], x.shape[2], x.device).to(x.dtype)
        return self.dropout(x * math.sqrt(x.shape[-1])), self.dropout(distances)


class ConformerAttention(nn.Module):
    """Scores are (q + u) k for content plus (q + v) p for the distance from query to key."""

    def __init__(self, config: FlowEncoderConfig) -> None:
        super().__init__()
        width, self.heads = config.output_size, config.attention_heads
        self.dropout = config.dropout_rate
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width, bias=config.key_bias)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(nn.init.xavier_uniform_(torch.empty(self.heads, width // self.heads)))
        self.pos_bias_v = nn.Parameter(nn.init.xavier_uniform_(torch.empty(self.heads, width // self.heads)))

    def forward(
        self, x_BTD: torch.Tensor, distances_RD: torch.Tensor, key_mask_BT: torch.Tensor | None
    ) -> torch.Tensor:
        """Attend to the keys that the mask marks valid, to all without one."""
        q, k, v = (self._split(layer(x_BTD)) for layer in (self.linear_q, self.linear_k, self.linear_v))
        p = self._split(self.linear_pos(distances_RD)[None])
        bias = align(((q + self.pos_bias_v[:, None]) * q.shape[-1] ** -0.5) @ p.transpose(-1, -2))
        if key_mask_BT is not None:
            bias = bias.masked_fill(~key_mask_BT[:, None, None, :], -math.inf)
        content = (q + self.pos_bias_u[:, None]).to(v.dtype)
        dropout = self.dropout if self.training else 0.0
        read = F.scaled_dot_product_attention(content, k, v, attn_mask=bias.to(v.dtype), dropout_p=dropout)
        out: torch.Tensor = self.linear_out(read.transpose(1, 2).flatten(2))
        return out

    def _split(self, x_BTD: torch.Tensor) -> torch.Tensor:
        per_head: torch.Tensor = x_BTD.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return per_head


class ConformerLayer(nn.Module):
    """Attention and feed-forward, each behind its norm."""

    def __init__(self, config: FlowEncoderConfig) -> None:
        super().__init__()
        self.self_attn = ConformerAttention(config)
        self.feed_forward = FeedForward(config.output_size, config.linear_units, config.dropout_rate)
        self.norm_ff = nn.LayerNorm(config.output_size, eps=_LAYER_EPS)
        self.norm_mha = nn.LayerNorm(config.output_size, eps=_LAYER_EPS)
        self.dropout = nn.Dropout(config.dropout_rate)

    def forward(
        self, x_BTD: torch.Tensor, distances_RD: torch.Tensor, key_mask_BT: torch.Tensor | None
    ) -> torch.Tensor:
        """The positions after this layer; the mask marks valid ones, ``None`` where all are."""
        x = x_BTD + self.dropout(self.self_attn(self.norm_mha(x_BTD), distances_RD, key_mask_BT))
        out: torch.Tensor = x + self.dropout(self.feed_forward(self.norm_ff(x)))
        return out

"""The lyric encoder of ACE-Step v1: a pre-norm transformer with relative positions.

Shapes: B items, N lyric tokens, D width, H heads, E head width, R = 2N - 1 distances.

Relative attention is that of "Transformer-XL" (Dai et al. 2019). Upstream calls it a conformer, but no layer convolves
and attention reaches every token (``acestep/models/lyrics_utils/lyric_encoder.py``).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tunesmith.families.ace_step.config import LyricEncoderConfig
from tunesmith.families.relative import FeedForward, align, distance_table

ERG_LYRIC_LAYERS = (4, 5)
"""Layers whose queries entropy-rectifying guidance weakens (``pipeline_ace_step.py``)."""

# Softmax gives exactly 0 at this distance, and it is still finite in fp16.
_MASKED = -3e4


class InputLayer(nn.Module):
    """Token embeddings to the first layer's input."""

    def __init__(self, inner: int, width: int, dropout: float) -> None:
        super().__init__()
        self.out = nn.Sequential(nn.Linear(inner, width), nn.LayerNorm(width), nn.Dropout(dropout))

    def forward(self, embedded_BND: torch.Tensor) -> torch.Tensor:
        """(B, N, inner) to (B, N, D), scaled by the root of the width."""
        x: torch.Tensor = self.out(embedded_BND)
        return x * math.sqrt(x.shape[-1])


class RelativeAttention(nn.Module):
    """Scores are (q + u) k for content plus (q + v) p for the distance from query to key."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.linear_q = nn.Linear(width, width)
        self.linear_k = nn.Linear(width, width)
        self.linear_v = nn.Linear(width, width)
        self.linear_out = nn.Linear(width, width)
        self.linear_pos = nn.Linear(width, width, bias=False)
        self.pos_bias_u = nn.Parameter(torch.zeros(heads, width // heads))
        self.pos_bias_v = nn.Parameter(torch.zeros(heads, width // heads))

    def forward(
        self, x_BND: torch.Tensor, mask_BN: torch.Tensor, distances_RD: torch.Tensor, query_scale: float
    ) -> torch.Tensor:
        """Attend to the valid tokens; what an item without any gets is finite, and masked wherever it is read."""
        q = self.linear_q(x_BND)
        q = self._split(q if query_scale == 1.0 else q * query_scale)
        k, v = self._split(self.linear_k(x_BND)), self._split(self.linear_v(x_BND))
        p = self._split(self.linear_pos(distances_RD)[None])
        by_distance = ((q + self.pos_bias_v[:, None]) * q.shape[-1] ** -0.5) @ p.transpose(-1, -2)
        padding = (1 - mask_BN[:, None, None, :].to(by_distance.dtype)) * _MASKED
        content = (q + self.pos_bias_u[:, None]).to(v.dtype)
        bias = (align(by_distance) + padding).to(v.dtype)
        read = F.scaled_dot_product_attention(content, k, v, attn_mask=bias)
        out: torch.Tensor = self.linear_out(read.transpose(1, 2).flatten(2))
        return out

    def _split(self, x_BND: torch.Tensor) -> torch.Tensor:
        per_head: torch.Tensor = x_BND.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return per_head


class LyricLayer(nn.Module):
    """Attention and feed-forward, each behind its norm."""

    def __init__(self, config: LyricEncoderConfig, dropout: float) -> None:
        super().__init__()
        width = config.output_size
        self.self_attn = RelativeAttention(width, config.attention_heads)
        self.feed_forward = FeedForward(width, config.linear_units, dropout)
        self.norm_mha = nn.LayerNorm(width)
        self.norm_ff = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x_BND: torch.Tensor, mask_BN: torch.Tensor, distances_RD: torch.Tensor, query_scale: float = 1.0
    ) -> torch.Tensor:
        """The tokens after this layer."""
        attended = self.self_attn(self.norm_mha(x_BND), mask_BN, distances_RD, query_scale)
        x = x_BND + self.dropout(attended)
        out: torch.Tensor = x + self.dropout(self.feed_forward(self.norm_ff(x)))
        return out


class LyricEncoder(nn.Module):
    """Embedded lyric tokens to lyric states.

    Args:
        config: Sizes.
        inner: Width of the token embeddings.
        dropout: Rate in train mode; upstream trains with 0.1.
    """

    def __init__(self, config: LyricEncoderConfig, inner: int, dropout: float) -> None:
        super().__init__()
        self.embed = InputLayer(inner, config.output_size, dropout)
        self.encoders = nn.ModuleList(LyricLayer(config, dropout) for _ in range(config.num_blocks))
        self.after_norm = nn.LayerNorm(config.output_size)
        self.dropout = nn.Dropout(dropout)
        self.checkpointing = False

    def forward(self, embedded_BND: torch.Tensor, mask_BN: torch.Tensor, query_scale: float = 1.0) -> torch.Tensor:
        """States (B, N, D) of the tokens; mask 1 marks the valid ones. ``query_scale`` acts in ERG_LYRIC_LAYERS."""
        x = self.embed(embedded_BND)
        distances = self.dropout(distance_table(x.shape[1], x.shape[2], x.device).to(x.dtype))
        for index, layer in enumerate(self.encoders):
            scale = query_scale if index in ERG_LYRIC_LAYERS else 1.0
            if self.checkpointing and torch.is_grad_enabled():
                x = checkpoint(layer, x, mask_BN, distances, scale, use_reentrant=False)
            else:
                x = layer(x, mask_BN, distances, scale)
        states: torch.Tensor = self.after_norm(x)
        return states

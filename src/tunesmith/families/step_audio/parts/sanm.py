"""Paraformer's encoder layers: attention with a memory, over overlapping chunks of which many are computed at once.

The original runs chunk after chunk and keeps keys and values of earlier ones. Those of a layer depend on that layer's
input alone, so here every layer runs once over many chunks, and each chunk picks its earlier keys by index: the same
numbers, while the weights are read once instead of four times a second of audio. What the next chunks will look back to
is carried over to them, so that memory does not grow with the length of a recording.

Source: "SAN-M: Memory Equipped Self-Attention for End-to-End Speech Recognition" (Gao et al. 2020);
``sanm/attention.py`` and ``scama/encoder.py`` of FunASR.

Shapes: C chunks, W frames of a chunk with its overlap, P earlier frames, D width, H heads, E head width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families.step_audio.config import Vq02Config

NORM_EPSILON = 1e-12


@dataclass(frozen=True)
class Chunks:
    """Which frames each chunk attends to.

    Attributes:
        valid: (C, W), False where the last chunk is filled up.
        kept: First frames of each chunk whose keys later chunks see.
        past: (C, P), for each chunk the numbers of earlier kept frames, counted over all chunks behind P carried ones.
        past_valid: (C, P), False where there is no such frame.
        carried: Of the chunks before these, their last P kept frames in each call of :meth:`with_past`, in order.
        left: The same of these chunks, for those that follow.
    """

    valid: torch.Tensor
    kept: int
    past: torch.Tensor
    past_valid: torch.Tensor
    carried: Iterator[torch.Tensor]
    left: list[torch.Tensor] = field(default_factory=list)

    def with_past(self, x_CWD: torch.Tensor) -> torch.Tensor:
        """Each chunk's frames (C, P + W, D) behind the earlier ones that it sees."""
        kept_SD, past = x_CWD[:, : self.kept].flatten(0, 1), self.past.shape[1]
        carried_PD = next(self.carried, None)
        if carried_PD is None:
            carried_PD = kept_SD.new_zeros(past, kept_SD.shape[1])
        seen_SD = torch.cat((carried_PD, kept_SD))
        self.left.append(seen_SD[len(seen_SD) - past :].clone())
        return torch.cat((seen_SD[self.past], x_CWD), dim=1)

    @property
    def mask(self) -> torch.Tensor:
        """What attention may look at, (C, 1, 1, P + W)."""
        return torch.cat((self.past_valid, self.valid), dim=1)[:, None, None]


class SanmAttention(nn.Module):
    """Softmax attention, plus a convolution over the chunk's own values (the memory)."""

    def __init__(self, width_in: int, config: Vq02Config) -> None:
        super().__init__()
        width, kernel = config.output_size, config.kernel_size
        self.heads = config.attention_heads
        left = (kernel - 1) // 2 + config.sanm_shfit
        self.padding = (left, kernel - 1 - left)
        self.linear_q_k_v = nn.Linear(width_in, 3 * width)
        self.linear_out = nn.Linear(width, width)
        self.fsmn_block = nn.Conv1d(width, width, kernel, groups=width, bias=False)

    def forward(self, x_CWD: torch.Tensor, chunks: Chunks) -> torch.Tensor:
        """Mixed frames (C, W, D)."""
        q, k, v = self.linear_q_k_v(x_CWD).chunk(3, dim=-1)
        mixed = F.scaled_dot_product_attention(
            self._split(q),
            self._split(chunks.with_past(k)),
            self._split(chunks.with_past(v)),
            attn_mask=chunks.mask,
        )
        joined: torch.Tensor = self.linear_out(mixed.transpose(1, 2).flatten(2))
        return joined + self._memory(v * chunks.valid[..., None])

    def _memory(self, v_CWD: torch.Tensor) -> torch.Tensor:
        remembered: torch.Tensor = self.fsmn_block(F.pad(v_CWD.transpose(1, 2), self.padding))
        return remembered.transpose(1, 2) + v_CWD

    def _split(self, x_CSD: torch.Tensor) -> torch.Tensor:
        """(C, S, D) to (C, H, S, E)."""
        per_head: torch.Tensor = x_CSD.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return per_head


class SanmFeedForward(nn.Module):
    """Two linear layers with ReLU between."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.w_1 = nn.Linear(width, units)
        self.w_2 = nn.Linear(units, width)

    def forward(self, x_CWD: torch.Tensor) -> torch.Tensor:
        """Frames of the same shape."""
        out: torch.Tensor = self.w_2(F.relu(self.w_1(x_CWD)))
        return out


class SanmLayer(nn.Module):
    """Pre-norm attention and feed-forward; attention that changes the width has no path around it."""

    def __init__(self, width_in: int, config: Vq02Config) -> None:
        super().__init__()
        self.same_width = width_in == config.output_size
        self.norm1 = nn.LayerNorm(width_in, eps=NORM_EPSILON)
        self.self_attn = SanmAttention(width_in, config)
        self.norm2 = nn.LayerNorm(config.output_size, eps=NORM_EPSILON)
        self.feed_forward = SanmFeedForward(config.output_size, config.linear_units)

    def forward(self, x_CWD: torch.Tensor, chunks: Chunks) -> torch.Tensor:
        """Frames (C, W, D) of every chunk."""
        mixed = self.self_attn(self.norm1(x_CWD), chunks)
        x = x_CWD + mixed if self.same_width else mixed
        out: torch.Tensor = x + self.feed_forward(self.norm2(x))
        return out

"""The flow's decoder: a diffusion transformer from noisy mel and its conditions to a velocity.

Shapes: B items, C mel channels, F frames, D width, H heads, E head width.

Adaptive norms are those of "Scalable Diffusion Models with Transformers" (Peebles & Xie 2023). Source:
``cosyvoice2/flow/decoder_dit.py`` of Step-Audio-EditX, whose tensor names and shapes are kept.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tunesmith.families.step_audio.config import EstimatorConfig

_NORM_EPS = 1e-6
_KERNEL = 3
_TIME_FEATURES, _TIME_SCALE, _LONGEST_PERIOD = 256, 1000.0, 10_000.0


class DitTimeEmbedding(nn.Module):
    """Times in [0, 1] to vectors."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(_TIME_FEATURES, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, time_B: torch.Tensor) -> torch.Tensor:
        """(B,) to (B, D)."""
        half = _TIME_FEATURES // 2
        index = torch.arange(half, device=time_B.device, dtype=torch.float32)
        angles = (time_B.float() * _TIME_SCALE)[:, None] * torch.exp(index * (-math.log(_LONGEST_PERIOD) / half))
        features = torch.cat([angles.cos(), angles.sin()], dim=-1)
        out: torch.Tensor = self.mlp(features.to(next(self.mlp.parameters()).dtype))
        return out


class Attention(nn.Module):
    """Full attention with a norm per head on queries and keys."""

    def __init__(self, config: EstimatorConfig) -> None:
        super().__init__()
        self.heads = config.num_heads
        inner = config.num_heads * config.head_dim
        self.to_q = nn.Linear(config.hidden_size, inner)
        self.to_k = nn.Linear(config.hidden_size, inner)
        self.to_v = nn.Linear(config.hidden_size, inner)
        self.q_norm = nn.LayerNorm(config.head_dim)
        self.k_norm = nn.LayerNorm(config.head_dim)
        self.proj = nn.Linear(inner, config.hidden_size)

    def forward(self, x_BFD: torch.Tensor, key_mask_B11F: torch.Tensor | None) -> torch.Tensor:
        """(B, F, D) to (B, F, D)."""
        q, k, v = (self._split(layer(x_BFD)) for layer in (self.to_q, self.to_k, self.to_v))
        # Under autocast norms give fp32, and attention needs the three alike.
        q, k = self.q_norm(q).to(v.dtype), self.k_norm(k).to(v.dtype)
        read = F.scaled_dot_product_attention(q, k, v, attn_mask=key_mask_B11F)
        out: torch.Tensor = self.proj(read.transpose(1, 2).flatten(2))
        return out

    def _split(self, x_BFD: torch.Tensor) -> torch.Tensor:
        per_head: torch.Tensor = x_BFD.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return per_head


class CausalConvolutions(nn.Module):
    """Two convolutions that look back only, so that padding at the end reaches no valid frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        # Names are upstream's places in a chain whose other links hold no weights.
        self.block = nn.ModuleDict(
            {"1": nn.Conv1d(width, width, _KERNEL), "3": nn.LayerNorm(width), "6": nn.Conv1d(width, width, _KERNEL)}
        )

    def forward(self, x_BFD: torch.Tensor) -> torch.Tensor:
        """(B, F, D) to (B, F, D)."""
        x = F.mish(self.block["3"](self._convolve("1", x_BFD)))
        return self._convolve("6", x)

    def _convolve(self, name: str, x_BFD: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.block[name](F.pad(x_BFD.transpose(1, 2), (_KERNEL - 1, 0)))
        return out.transpose(1, 2)


class DitFeedForward(nn.Module):
    """Two linear layers with GELU between them."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x_BFD: torch.Tensor) -> torch.Tensor:
        """(B, F, D) to (B, F, D)."""
        out: torch.Tensor = self.fc2(F.gelu(self.fc1(x_BFD), approximate="tanh"))
        return out


class DiTBlock(nn.Module):
    """Attention, convolutions, feed-forward, each shifted, scaled and gated by the time."""

    def __init__(self, config: EstimatorConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.attn = Attention(config)
        self.mlp = DitFeedForward(width, int(width * config.mlp_ratio))
        self.conv = CausalConvolutions(width)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 9 * width))

    def forward(self, x_BFD: torch.Tensor, time_B1D: torch.Tensor, key_mask_B11F: torch.Tensor | None) -> torch.Tensor:
        """The frames after this block."""
        attention, feed_forward, convolution = self.adaLN_modulation(time_B1D).chunk(3, dim=-1)
        shift, scale, gate = attention.chunk(3, dim=-1)
        x = x_BFD + gate * self.attn(_modulate(x_BFD, shift, scale), key_mask_B11F)
        shift, scale, gate = convolution.chunk(3, dim=-1)
        x = x + gate * self.conv(_modulate(x, shift, scale))
        shift, scale, gate = feed_forward.chunk(3, dim=-1)
        out: torch.Tensor = x + gate * self.mlp(_modulate(x, shift, scale))
        return out


class DitFinalLayer(nn.Module):
    """Frames to velocity."""

    def __init__(self, width: int, channels: int) -> None:
        super().__init__()
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.linear = nn.Linear(width, channels)

    def forward(self, x_BFD: torch.Tensor, time_B1D: torch.Tensor) -> torch.Tensor:
        """(B, F, D) to (B, F, C)."""
        shift, scale = self.adaLN_modulation(time_B1D).chunk(2, dim=-1)
        out: torch.Tensor = self.linear(_modulate(x_BFD, shift, scale))
        return out


class DiT(nn.Module):
    """The network that flow fine-tuning trains.

    Args:
        config: Sizes; ``in_channels`` counts noisy mel, tokens, speaker and prompt mel together.

    Attributes:
        gradient_checkpointing: Recompute every block in the backward pass instead of keeping what it computed.
    """

    def __init__(self, config: EstimatorConfig) -> None:
        super().__init__()
        self.gradient_checkpointing = False
        self.t_embedder = DitTimeEmbedding(config.hidden_size)
        self.in_proj = nn.Linear(config.in_channels, config.hidden_size)
        self.blocks = nn.ModuleList(DiTBlock(config) for _ in range(config.depth))
        self.final_layer = DitFinalLayer(config.hidden_size, config.out_channels)
        self._start_as_identity()

    def forward(
        self,
        x_BCF: torch.Tensor,
        mask_B1F: torch.Tensor | None,
        mu_BCF: torch.Tensor,
        time_B: torch.Tensor,
        spk_BC: torch.Tensor,
        cond_BCF: torch.Tensor,
    ) -> torch.Tensor:
        """Velocity (data minus noise) of noisy mel.

        Args:
            x_BCF: Noisy log-mel, right-padded with anything finite.
            mask_B1F: Not 0 where a frame is valid; ``None`` where all are, which is faster. Padding changes no valid
                frame.
            mu_BCF: What the tokens say.
            time_B: 0 at noise, 1 at data.
            spk_BC: Speaker vector.
            cond_BCF: Known mel, 0 elsewhere.

        Returns:
            (B, C, F) fp32.
        """
        speaker = spk_BC[..., None].expand(-1, -1, x_BCF.shape[-1])
        joined = torch.cat([x_BCF, mu_BCF, speaker, cond_BCF], dim=1)
        x = self.in_proj(joined.transpose(1, 2).to(self.in_proj.weight.dtype))
        time = self.t_embedder(time_B)[:, None]
        key_mask = None if mask_B1F is None else mask_B1F.bool()[:, None]
        for block in self.blocks:
            if self.gradient_checkpointing and torch.is_grad_enabled():
                x = checkpoint(block, x, time, key_mask, use_reentrant=False)
            else:
                x = block(x, time, key_mask)
        velocity: torch.Tensor = self.final_layer(x, time)
        return velocity.transpose(1, 2).float()

    def _start_as_identity(self) -> None:
        """A new network's blocks pass their input on, and its velocity is 0, as the paper's."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        for layer in self.t_embedder.mlp:
            if isinstance(layer, nn.Linear):
                nn.init.normal_(layer.weight, std=0.02)
        for owner in (*self.blocks, self.final_layer):
            nn.init.zeros_(owner.adaLN_modulation[1].weight)
        nn.init.zeros_(self.final_layer.linear.weight)


def _modulate(x_BFD: torch.Tensor, shift_B1D: torch.Tensor, scale_B1D: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x_BFD, x_BFD.shape[-1:], eps=_NORM_EPS) * (1 + scale_B1D) + shift_B1D

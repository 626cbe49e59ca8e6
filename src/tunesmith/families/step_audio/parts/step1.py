"""Step1, the language model of Step-Audio-EditX: prompt ids to the next audio id.

A pre-norm decoder with grouped attention and sqrt-ALiBi instead of rotary positions; its tensors are named like
Llama's. The output layer is not the embedding: where a config leaves ``tie_word_embeddings`` out it means false.

Shapes: B rows, T tokens, D width, V ids, H query heads, G key/value heads, E head width (D = H * E).

Source: "Step-Audio-EditX" (Step-Audio Team 2025) and ``src/model/step_audio.py`` there.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from tunesmith.families.step_audio.config import Step1Config
from tunesmith.families.step_audio.parts.alibi import alibi_slopes
from tunesmith.families.step_audio.parts.attention import (
    Attend,
    CachedAttention,
    FlexAttention,
    FullAttention,
    StoringAttention,
    flex_fits,
)
from tunesmith.families.step_audio.parts.kv_cache import KVCache
from tunesmith.families.step_audio.parts.padding import stretches, turned, turned_back

_INITIAL_STD = 0.02


class RMSNorm(nn.Module):
    """Root-mean-square norm; the mean is taken in fp32."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """Normalise the last dimension."""
        scale = (x_BTD.float().square().mean(dim=-1, keepdim=True) + self.eps).rsqrt()
        return x_BTD * scale.to(x_BTD.dtype) * self.weight


class SelfAttention(nn.Module):
    """The four projections; how queries meet keys is the caller's."""

    def __init__(self, config: Step1Config) -> None:
        super().__init__()
        width, self.head_dim = config.hidden_size, config.head_dim
        self.q_proj = nn.Linear(width, config.num_attention_heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(width, config.num_attention_groups * self.head_dim, bias=False)
        self.v_proj = nn.Linear(width, config.num_attention_groups * self.head_dim, bias=False)
        self.o_proj = nn.Linear(config.num_attention_heads * self.head_dim, width, bias=False)

    def forward(self, x_BTD: torch.Tensor, attend: Attend, layer: int) -> torch.Tensor:
        """Mix the tokens (B, T, D)."""
        q, k, v = (
            projection(x_BTD).unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
            for projection in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed: torch.Tensor = self.o_proj(attend(layer, q, k, v).transpose(1, 2).flatten(2))
        return mixed


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, config: Step1Config) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x_BTD: torch.Tensor) -> torch.Tensor:
        """(B, T, D) to (B, T, D)."""
        out: torch.Tensor = self.down_proj(F.silu(self.gate_proj(x_BTD)) * self.up_proj(x_BTD))
        return out


class DecoderLayer(nn.Module):
    """Attention and MLP, each on the normed stream and added to it."""

    def __init__(self, config: Step1Config) -> None:
        super().__init__()
        self.self_attn = SelfAttention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, h_BTD: torch.Tensor, attend: Attend, layer: int) -> torch.Tensor:
        """One step of the stream (B, T, D)."""
        h_BTD = h_BTD + self.self_attn(self.input_layernorm(h_BTD), attend, layer)
        out: torch.Tensor = h_BTD + self.mlp(self.post_attention_layernorm(h_BTD))
        return out


class Step1Model(nn.Module):
    """Embedding, layers and final norm, under their published names."""

    def __init__(self, config: Step1Config) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, ids_BT: torch.Tensor, attend: Attend, checkpointing: bool) -> torch.Tensor:
        """Ids to hidden states after the final norm (B, T, D)."""
        h = self.embed_tokens(ids_BT)
        for index, layer in enumerate(self.layers):
            if checkpointing and torch.is_grad_enabled():
                h = checkpoint(layer, h, attend, index, use_reentrant=False)
            else:
                h = layer(h, attend, index)
        out: torch.Tensor = self.norm(h)
        return out


class Step1ForCausalLM(nn.Module):
    """The language model; a new one has random weights, normal with a standard deviation of 0.02.

    Args:
        config: Sizes.

    Attributes:
        gradient_checkpointing: Recompute every layer in the backward pass instead of keeping what it computed.
        flex_attention: Use FlexAttention where the device has its kernel (CUDA); elsewhere SDPA whatever it says.
    """

    def __init__(self, config: Step1Config) -> None:
        super().__init__()
        self.config = config
        self.gradient_checkpointing = False
        self.flex_attention = True
        self.model = Step1Model(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Embedding)):
                nn.init.normal_(module.weight, std=_INITIAL_STD)

    def hidden(
        self,
        input_ids_BT: torch.Tensor,
        attention_mask_BT: torch.Tensor | None = None,
        cache: KVCache | None = None,
    ) -> torch.Tensor:
        """States after the final norm (B, T, D); ``lm_head`` turns those one needs into logits.

        Args:
            input_ids_BT: Ids; of new tokens alone once the cache holds a prompt.
            attention_mask_BT: True where a row has a token, in one stretch, with padding before it, behind it or both.
                Padding changes no state of a token; its own states are finite and mean nothing. A row of padding
                alone is allowed.
            cache: Filled by this call.

        Raises:
            ValueError: when a mask has a hole, when one comes with a cache that is filled, or when the cache is full.
        """
        if cache is not None:
            cache.check_room(input_ids_BT.shape[1])
            if cache.filled:
                return self._continued(input_ids_BT, attention_mask_BT, cache)
        first_B1, lengths_B = None, None
        if attention_mask_BT is not None:
            first_B1, lengths_B = stretches(attention_mask_BT)
        attend = self._whole(input_ids_BT)
        if cache is not None:
            every = [input_ids_BT.shape[1]] * len(input_ids_BT)
            attend = StoringAttention(attend, cache, every if lengths_B is None else lengths_B.tolist())
        if first_B1 is None:
            return self._states(input_ids_BT, attend)
        return turned_back(self._states(turned(input_ids_BT, first_B1), attend), first_B1)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of the next id (B, T, V); arguments as in :meth:`hidden`."""
        logits: torch.Tensor = self.lm_head(self.hidden(input_ids, attention_mask))
        return logits

    def _states(self, ids_BT: torch.Tensor, attend: Attend) -> torch.Tensor:
        states: torch.Tensor = self.model(ids_BT, attend, self.gradient_checkpointing)
        return states

    def _continued(self, ids_BT: torch.Tensor, mask_BT: torch.Tensor | None, cache: KVCache) -> torch.Tensor:
        if mask_BT is not None:
            raise ValueError("an attention mask belongs to the prompt; what follows it has none")
        return self._states(ids_BT, CachedAttention(cache, self._slopes(ids_BT), ids_BT.shape[1]))

    def _whole(self, ids_BT: torch.Tensor) -> Attend:
        slopes, length = self._slopes(ids_BT), ids_BT.shape[1]
        if self.flex_attention and flex_fits(ids_BT.device, self.config.head_dim):
            return FlexAttention(slopes, length)
        return FullAttention(slopes, length)

    def _slopes(self, ids_BT: torch.Tensor) -> torch.Tensor:
        return alibi_slopes(self.config.num_attention_heads, ids_BT.device)

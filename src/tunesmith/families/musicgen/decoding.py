"""MusicGen's decoder one step at a time: what transformers' decoder computes with its cache, in fewer operations.

Keys and values have their room from the start and are written in place, those of the captions are made once, masks are
made once, all codebooks are embedded by one gather, and on a CPU the weights are reordered for few rows. The layers are
transformers' own; a test holds the logits against its forward pass.

Shapes: B clips, R rows (B, or 2 B with guidance), N of them that read a caption, K codebooks, S new steps, C capacity,
H heads, E head width, D width, L caption tokens, V codes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.families import short_keys
from tunesmith.families.divided import gathered
from tunesmith.families.few_rows import Products, may_reorder, products


@dataclass(frozen=True)
class Captions:
    """What rows read by cross-attention.

    Attributes:
        states: Projected text states (N, L, D).
        mask: (N, 1, 1, L) bool, true where a token may be read; ``None`` where all may.
        rows: All rows (R). Those behind the first N have the null condition, whose states are zeros: without biases
            their keys, values and what they read are zeros as well, so that they skip cross-attention.
    """

    states: torch.Tensor
    mask: torch.Tensor | None
    rows: int


class CachedDecoder:
    """Decoder and heads over a sequence that grows; it sees no change of the weights after it was made.

    Args:
        network: The trained part in eval mode, adapter attached or not.
        captions: What its rows read.
        capacity: Most steps of the sequence (C).
    """

    def __init__(self, network: Any, captions: Captions, capacity: int) -> None:
        stack = network.decoder.model.decoder
        self.rows, self.filled = captions.rows, 0
        reorder = may_reorder(_linears(network))
        self._layers = [_Layer(layer, captions, capacity, reorder=reorder) for layer in stack.layers]
        self._norm, self._heads = stack.layer_norm, products(list(network.decoder.lm_heads), reorder=reorder)
        device, ids = captions.states.device, network.decoder.config.vocab_size + 1
        self._table = torch.cat([embed(torch.arange(ids, device=device)) for embed in stack.embed_tokens])
        self._first_id = ids * torch.arange(len(stack.embed_tokens), device=device)[:, None]
        self._positions = stack.embed_positions(torch.empty(1, 1, capacity, device=device))

    def logits(self, new_BKS: torch.Tensor) -> torch.Tensor:
        """Logits (R, K, V) fp32 after the last of the new steps; several at once are possible at the start alone."""
        steps = new_BKS.shape[-1]
        embedded = F.embedding(new_BKS + self._first_id, self._table).sum(1)
        x = embedded + self._positions[self.filled : self.filled + steps]
        x = x.repeat(self.rows // len(x), 1, 1)
        for layer in self._layers:
            x = layer.forward(x, self.filled)
        self.filled += steps
        return torch.stack(list(self._heads(self._norm(x[:, -1]))), 1).float()


class _Layer:
    """One decoder layer with its cache."""

    def __init__(self, layer: Any, captions: Captions, capacity: int, *, reorder: bool) -> None:
        own, cross = layer.self_attn, layer.encoder_attn
        self._layer = layer
        self._norms = layer.self_attn_layer_norm, layer.encoder_attn_layer_norm, layer.final_layer_norm
        self._qkv, self._out = (
            products([own.q_proj, own.k_proj, own.v_proj], reorder=reorder),
            _one(own.out_proj, reorder),
        )
        self._cross_q, self._cross_out = _one(cross.q_proj, reorder), _one(cross.out_proj, reorder)
        self._up, self._down, self._activate = _one(layer.fc1, reorder), _one(layer.fc2, reorder), layer.activation_fn
        self._heads, self._rows, self._capacity = own.num_heads, captions.rows, capacity
        with gathered(layer):
            self._cross_k = self._split(cross.k_proj(captions.states))
            self._cross_v, self._mask = self._split(cross.v_proj(captions.states)), captions.mask
        self._store: tuple[torch.Tensor, torch.Tensor] | None = None

    def forward(self, x_RSD: torch.Tensor, filled: int) -> torch.Tensor:
        """The stream after this layer; ``filled`` steps lie in the cache."""
        with gathered(self._layer):
            return self._passed(x_RSD, filled)

    def _passed(self, x_RSD: torch.Tensor, filled: int) -> torch.Tensor:
        x_RSD = x_RSD + self._own_attention(self._norms[0](x_RSD), filled)
        readers = len(self._cross_k)
        read = self._caption_attention(self._norms[1](x_RSD[:readers]))
        x_RSD = x_RSD + read if readers == self._rows else torch.cat([x_RSD[:readers] + read, x_RSD[readers:]])
        hidden = self._activate(_apply(self._up, self._norms[2](x_RSD)))
        return x_RSD + _apply(self._down, hidden)

    def _own_attention(self, x_RSD: torch.Tensor, filled: int) -> torch.Tensor:
        steps = x_RSD.shape[1]
        q, k, v = (self._split(part.unflatten(0, x_RSD.shape[:2])) for part in self._qkv(x_RSD.flatten(0, 1)))
        if self._store is None:
            # At the first write, when its precision is known: autocast decides it.
            room = (len(k), self._heads, self._capacity, k.shape[-1])
            self._store = k.new_empty(room), v.new_empty(room)
        keys, values = self._store
        keys[:, :, filled : filled + steps], values[:, :, filled : filled + steps] = k, v
        held = filled + steps
        read = F.scaled_dot_product_attention(q, keys[:, :, :held], values[:, :, :held], is_causal=steps > 1)
        return _apply(self._out, read.transpose(1, 2).flatten(2))

    def _caption_attention(self, x_NSD: torch.Tensor) -> torch.Tensor:
        query = self._split(_apply(self._cross_q, x_NSD))
        read = short_keys.attend(query, self._cross_k, self._cross_v, self._mask)
        return _apply(self._cross_out, read.transpose(1, 2).flatten(2))

    def _split(self, x_RSD: torch.Tensor) -> torch.Tensor:
        """Heads apart: (R, H, S, E)."""
        heads: torch.Tensor = x_RSD.unflatten(-1, (self._heads, -1)).transpose(1, 2)
        return heads


def _one(layer: nn.Module, reorder: bool) -> Products:
    return products([layer], reorder=reorder)


def _apply(product: Products, x_RSD: torch.Tensor) -> torch.Tensor:
    """One layer over all steps of all rows."""
    made: torch.Tensor = product(x_RSD.flatten(0, 1))[0].unflatten(0, x_RSD.shape[:2])
    return made


def _linears(network: Any) -> Iterator[nn.Module]:
    """The layers that every step multiplies by."""
    yield from network.decoder.lm_heads
    for layer in network.decoder.model.decoder.layers:
        own, cross = layer.self_attn, layer.encoder_attn
        yield from (own.q_proj, own.k_proj, own.v_proj, own.out_proj)
        yield from (cross.q_proj, cross.out_proj, layer.fc1, layer.fc2)

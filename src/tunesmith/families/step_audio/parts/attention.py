"""How queries meet keys in Step1: over a whole sequence on any device, by FlexAttention on a GPU, or over a cache.

Each is made once per forward pass and serves all layers, so the bias is built once.

Shapes: B rows, H query heads, G key/value heads, R = H / G query heads per key/value head, T tokens, S stored tokens,
E head width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import torch
from torch.nn import functional as F

from tunesmith.families.step_audio.parts.alibi import alibi_bias, bias_of_reversed_keys, distance_table
from tunesmith.families.step_audio.parts.kv_cache import KVCache

Attend = Callable[[int, torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""(layer, queries (B, H, T, E), keys and values (B, G, T, E)) to what was read (B, H, T, E)."""

# Measured on a CPU at 48 heads and 1,024 tokens: 256 queries at a time skip most keys that lie ahead, a third of the
# time of one block, and smaller chunks gain nothing more.
QUERY_CHUNK = 256


class FullAttention:
    """Causal attention over whole sequences, some queries at a time, without a T x T bias in memory on the CPU.

    Args:
        slopes_H: From :func:`alibi_slopes`, on the device of the queries.
        length: Tokens (T).
    """

    def __init__(self, slopes_H: torch.Tensor, length: int) -> None:
        self._slopes, self._length = slopes_H, length
        self._tables: dict[torch.dtype, torch.Tensor] = {}

    def __call__(self, layer: int, q_BHTE: torch.Tensor, k_BGTE: torch.Tensor, v_BGTE: torch.Tensor) -> torch.Tensor:
        """Read the values."""
        table = self._table(q_BHTE.dtype)
        repeats = q_BHTE.shape[1] // k_BGTE.shape[1]
        keys, values = (x.flip(2).repeat_interleave(repeats, dim=1) for x in (k_BGTE, v_BGTE))
        return torch.cat([self._chunk(table, q_BHTE, keys, values, start) for start in self._starts()], dim=2)

    def _starts(self) -> range:
        return range(0, self._length, QUERY_CHUNK)

    def _chunk(
        self, table: torch.Tensor, q_BHTE: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, start: int
    ) -> torch.Tensor:
        end = min(start + QUERY_CHUNK, self._length)
        bias, ahead = bias_of_reversed_keys(table, start, end), self._length - end
        if q_BHTE.device.type != "cpu":
            # Their kernels want a bias whose rows are aligned; a view's are not.
            bias = bias.contiguous()
        query = q_BHTE[:, :, start:end]
        return F.scaled_dot_product_attention(query, keys[:, :, ahead:], values[:, :, ahead:], attn_mask=bias)

    def _table(self, dtype: torch.dtype) -> torch.Tensor:
        if dtype not in self._tables:
            self._tables[dtype] = distance_table(self._slopes, self._length, dtype)
        return self._tables[dtype]


class FlexAttention:
    """The same attention by PyTorch's FlexAttention: the bias is computed inside the kernel, in fp32.

    Args:
        slopes_H: From :func:`alibi_slopes`, on the device of the queries.
        length: Tokens (T).
        kernel: ``flex_attention``, compiled unless given.
    """

    def __init__(self, slopes_H: torch.Tensor, length: int, kernel: Callable[..., Any] | None = None) -> None:
        self._kernel = kernel or _compiled()
        self._mask = _causal_mask(length, str(slopes_H.device))

        def penalise(
            score: torch.Tensor, _row: torch.Tensor, head: torch.Tensor, query: torch.Tensor, key: torch.Tensor
        ) -> torch.Tensor:
            # Keys ahead are masked afterwards; abs keeps the root of their negative distance from being NaN.
            return score - slopes_H[head] * (query - key).abs().float().sqrt()

        self._penalise = penalise

    def __call__(self, layer: int, q_BHTE: torch.Tensor, k_BGTE: torch.Tensor, v_BGTE: torch.Tensor) -> torch.Tensor:
        """Read the values."""
        read: torch.Tensor = self._kernel(
            q_BHTE, k_BGTE, v_BGTE, score_mod=self._penalise, block_mask=self._mask, enable_gqa=True
        )
        return read


class StoringAttention:
    """Attention of a prompt to itself that also fills an empty cache.

    Args:
        inner: Reads the values.
        cache: Empty.
        lengths: Tokens of every row; what lies behind them is stored too, and overwritten before it is read.
    """

    def __init__(self, inner: Attend, cache: KVCache, lengths: Sequence[int]) -> None:
        self._inner, self._cache = inner, cache
        cache.lengths = list(lengths)

    def __call__(self, layer: int, q_BHTE: torch.Tensor, k_BGTE: torch.Tensor, v_BGTE: torch.Tensor) -> torch.Tensor:
        """Store, then read the values."""
        positions = torch.arange(k_BGTE.shape[2], device=k_BGTE.device).expand(len(k_BGTE), -1)
        self._cache.write(layer, positions, k_BGTE, v_BGTE)
        return self._inner(layer, q_BHTE, k_BGTE, v_BGTE)


class CachedAttention:
    """Attention of new tokens to themselves and to all that a cache holds; it stores them there.

    Args:
        cache: With the earlier tokens of every row.
        slopes_H: From :func:`alibi_slopes`, on the device of the queries.
        new: New tokens of every row (T).
    """

    def __init__(self, cache: KVCache, slopes_H: torch.Tensor, new: int) -> None:
        starts_B1 = torch.tensor(cache.lengths, device=slopes_H.device)[:, None]
        self._cache = cache
        self._positions_BT = starts_B1 + torch.arange(new, device=slopes_H.device)
        cache.lengths = [length + new for length in cache.lengths]
        self._stored = max(cache.lengths)
        self._bias_BHTS = alibi_bias(slopes_H, self._positions_BT, torch.arange(self._stored, device=slopes_H.device))

    def __call__(self, layer: int, q_BHTE: torch.Tensor, k_BGTE: torch.Tensor, v_BGTE: torch.Tensor) -> torch.Tensor:
        """Store, then read the values."""
        self._cache.write(layer, self._positions_BT, k_BGTE, v_BGTE)
        keys, values = self._cache.read(layer, self._stored)
        self._bias_BHTS = self._bias_BHTS.to(q_BHTE.dtype)
        # The R heads of a group stand in line as queries of one head: its keys need no copies.
        query, bias = (x.unflatten(1, (keys.shape[1], -1)).flatten(2, 3) for x in (q_BHTE, self._bias_BHTS))
        read = F.scaled_dot_product_attention(query, keys, values, attn_mask=bias)
        output: torch.Tensor = read.unflatten(2, (-1, q_BHTE.shape[2])).flatten(1, 2)
        return output


def flex_fits(device: torch.device, head_dim: int) -> bool:
    """Whether FlexAttention's kernel takes heads of this width there."""
    return device.type == "cuda" and head_dim >= 16 and head_dim & (head_dim - 1) == 0


@cache
def _compiled() -> Callable[..., Any]:
    from torch.nn.attention.flex_attention import flex_attention

    # Batches and lengths change all the time: a kernel for each would soon reach the limit on recompilations, beyond
    # which it runs uncompiled, with all scores in memory.
    compiled: Callable[..., Any] = torch.compile(flex_attention, dynamic=True)
    return compiled


@lru_cache(maxsize=8)
def _causal_mask(length: int, device: str) -> Any:
    from torch.nn.attention.flex_attention import create_block_mask

    def causal(_row: torch.Tensor, _head: torch.Tensor, query: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        return query >= key

    # Kept for training too, whose backward pass takes no tensor that was made in inference mode.
    with torch.inference_mode(False):
        return create_block_mask(causal, None, None, length, length, device=device)

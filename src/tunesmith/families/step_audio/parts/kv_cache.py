"""Keys and values of the tokens read so far, so that a new token costs one row of attention.

Shapes: B rows, G key/value heads, T new tokens, S stored tokens, E head width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tunesmith.families.step_audio.config import Step1Config


class KVCache:
    """Room for ``capacity`` tokens a row in every layer; rows may hold different numbers of tokens.

    Args:
        config: Sizes of the LLM.
        rows: Sequences (B).
        capacity: Most tokens of one row.

    Attributes:
        lengths: Tokens held by each row.
    """

    def __init__(self, config: Step1Config, rows: int, capacity: int) -> None:
        self.capacity = capacity
        self.lengths = [0] * rows
        # Keys and values of a layer; made at its first write, when their precision and device are known.
        self._stores: list[tuple[torch.Tensor, torch.Tensor] | None] = [None] * config.num_hidden_layers

    @property
    def filled(self) -> bool:
        """Whether a prompt was read."""
        return any(self.lengths)

    def check_room(self, new: int) -> None:
        """Raise ValueError unless every row has room for ``new`` tokens more."""
        if max(self.lengths) + new > self.capacity:
            raise ValueError(f"the cache has room for {self.capacity} tokens, not for {max(self.lengths) + new}")

    def write(self, layer: int, positions_BT: torch.Tensor, k_BGTE: torch.Tensor, v_BGTE: torch.Tensor) -> None:
        """Store the keys and values of new tokens at their positions."""
        rows = torch.arange(len(positions_BT), device=positions_BT.device)[:, None]
        for store, new in zip(self._store(layer, k_BGTE), (k_BGTE, v_BGTE), strict=True):
            # Both indices lead in the result, the slice between them follows: (B, T, G, E).
            store[rows, :, positions_BT] = new.transpose(1, 2)

    def read(self, layer: int, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Keys and values (B, G, S, E) of the first ``length`` positions, some written before."""
        store = self._stores[layer]
        assert store is not None
        keys, values = store
        return keys[:, :, :length], values[:, :, :length]

    def keep(self, rows: Sequence[int]) -> None:
        """Forget all rows but these."""
        chosen = list(rows)
        self.lengths = [self.lengths[row] for row in chosen]
        for layer, store in enumerate(self._stores):
            if store is not None:
                self._stores[layer] = (store[0][chosen], store[1][chosen])

    def _store(self, layer: int, like_BGTE: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        store = self._stores[layer]
        if store is None:
            rows, groups, _, width = like_BGTE.shape
            shape = (rows, groups, self.capacity, width)
            store = self._stores[layer] = (like_BGTE.new_zeros(shape), like_BGTE.new_zeros(shape))
        return store

"""A moving average of the trained parameters, really used: evaluated, saved and exported when the recipe says so."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

import torch
from torch import nn

Key = TypeVar("Key", bound=Hashable)


class Ema(Generic[Key]):
    """Exponential moving average of parameters.

    Args:
        parameters: What is averaged.
        decay: Weight of the past; it grows from 0.1 at first, so that early updates do not linger.
    """

    def __init__(self, parameters: Mapping[Key, nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self.shadow = {name: p.detach().clone() for name, p in parameters.items()}

    @torch.no_grad()
    def update(self, update: int) -> None:
        """Take in the parameters that train now after update number ``update`` (from 1); the others keep theirs."""
        decay = min(self.decay, (1 + update) / (10 + update))
        for name, p in self.parameters.items():
            if p.requires_grad:
                self.shadow[name].lerp_(p, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The averaged values stand in the model for the length of the block."""
        raw = {name: p.detach().clone() for name, p in self.parameters.items()}
        self._set(self.shadow)
        try:
            yield
        finally:
            self._set(raw)

    @torch.no_grad()
    def _set(self, values: Mapping[Key, torch.Tensor]) -> None:
        for name, p in self.parameters.items():
            p.copy_(values[name])

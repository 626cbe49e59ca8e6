"""Optimizers: settings, building, memory and identity; the one file where another is added.

Another optimizer is another class with the members of :class:`Optimizer`, and a choice in :func:`optimizer_of`; its own
settings go into the recipe's ``train`` section. Nothing else knows which one it is: the loop steps it, a checkpoint
keeps its state, the plan counts its bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    import torch
    from torch import nn

    from tunesmith.adapters.parameters import ParameterKey
    from tunesmith.adapters.settings import AdapterRecipe
    from tunesmith.recipe.models import TrainRecipe


class Optimizer(Protocol):
    """What training, resuming and planning ask of an optimizer."""

    @property
    def state_bytes(self) -> int:
        """Bytes that it keeps per trained parameter, beside the parameter and its gradient."""

    def build(self, groups: Sequence[dict[str, Any]], *, fused: bool) -> torch.optim.Optimizer:
        """Make it over parameter groups, which carry their learning rates; in one kernel where ``fused``."""

    def identity(self) -> dict[str, Any]:
        """What a checkpoint of it belongs to: resuming with anything else is refused."""


@dataclass(frozen=True)
class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019), as torch has it."""

    betas: tuple[float, float]
    weight_decay: float

    state_bytes: ClassVar[int] = 8
    """Two moments in fp32."""

    def build(self, groups: Sequence[dict[str, Any]], *, fused: bool) -> torch.optim.Optimizer:
        """See :meth:`Optimizer.build`."""
        from torch.optim import AdamW as TorchAdamW

        return TorchAdamW(groups, betas=self.betas, weight_decay=self.weight_decay, fused=fused)

    def identity(self) -> dict[str, Any]:
        """Nothing: every checkpoint from before there was a choice is AdamW's, and names no optimizer."""
        return {}


def optimizer_of(train: TrainRecipe) -> Optimizer:
    """The optimizer that a recipe asks for."""
    return AdamW(train.betas, train.weight_decay)


def rate_of(network: str, train: TrainRecipe, adapter: AdapterRecipe) -> float:
    """The peak learning rate of a network: its own, else the recipe's."""
    settings = adapter.networks.get(network)
    return settings.learning_rate if settings and settings.learning_rate else train.learning_rate


def parameter_groups(
    parameters: Mapping[ParameterKey, nn.Parameter], train: TrainRecipe, adapter: AdapterRecipe
) -> list[dict[str, Any]]:
    """One group per network, whose ``lr_scale`` is its learning rate over the recipe's."""
    peak = train.learning_rate
    groups = []
    for network in dict.fromkeys(key.network for key in parameters):
        scale = rate_of(network, train, adapter) / peak
        members = [p for key, p in parameters.items() if key.network == network]
        groups.append({"params": members, "lr": peak * scale, "lr_scale": scale, "network": network})
    return groups

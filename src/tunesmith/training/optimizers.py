"""Optimizers: settings, parameter groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from tunesmith.recipe.models import Recipe

if TYPE_CHECKING:
    pass


def make_optimizer(parameters: dict[str, nn.Parameter], recipe: Recipe, *, fused: bool) -> torch.optim.AdamW:
    """AdamW with one group per network, whose ``share`` is its learning rate over the recipe's."""
    peak = recipe.train.learning_rate
    groups = []
    for network in dict.fromkeys(name.split(".", 1)[0] for name in parameters):
        own = recipe.adapter.networks.get(network)
        share = own.learning_rate / peak if own and own.learning_rate else 1.0
        mine = [p for name, p in parameters.items() if name.split(".", 1)[0] == network]
        groups.append({"params": mine, "lr": peak * share, "share": share, "network": network})
    return torch.optim.AdamW(groups, betas=recipe.train.betas, weight_decay=recipe.train.weight_decay, fused=fused)

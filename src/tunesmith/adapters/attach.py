"""Putting adapters on networks, and the networks behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from tunesmith.adapters.full import tune_in_full
from tunesmith.adapters.settings import AdapterDefaults, AdapterRecipe
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Embedding)
"""What PEFT puts an adapter of this kind on."""


def attach(
    networks: Mapping[str, nn.Module], recipe: AdapterRecipe, defaults: Mapping[str, AdapterDefaults], seed: int
) -> dict[str, nn.Module]:
    """Put a fresh adapter on every network that has targets; its effect is exactly zero until it is trained.

    Raises:
        TunesmithError: when a target names no module.
    """
    unknown = sorted(recipe.networks.keys() - networks.keys())
    if unknown:
        raise TunesmithError(
            msg("the family has no network {network}", network=unknown[0]),
            where=f"adapter.networks.{unknown[0]}",
            remedy=msg("It has {networks}.", networks=tuple(networks)),
        )
    attached = dict(networks)
    for name, default in defaults.items():
        settings = recipe.of(name)
        if settings.kind == "full":
            attached[name] = tune_in_full(networks[name], settings.targets or default.full, name)
        else:
            attached[name] = _with_lora(networks[name], name, settings, default, seed)
    return attached


def _with_lora(network: nn.Module, name: str, recipe: AdapterRecipe, default: AdapterDefaults, seed: int) -> nn.Module:
    from peft import LoraConfig, get_peft_model

    refuse_unknown(network, name, recipe.targets or (), default.targets)
    torch.manual_seed(seed)
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=_whole(recipe.alpha),
        lora_dropout=recipe.dropout,
        use_rslora=recipe.rslora,
        use_dora=recipe.kind == "dora",
        target_modules=list(recipe.targets or default.targets),
        bias="none",
    )
    model: Any = network  # PEFT's stubs want a transformers model and take any module
    return get_peft_model(model, config)


def refuse_unknown(network: nn.Module, name: str, targets: Sequence[str], known: Sequence[str]) -> None:
    """Refuse targets that name no layer; PEFT passes over a misspelt one as long as another one names some.

    Raises:
        TunesmithError: naming them.
    """
    layers = [layer for layer, module in network.named_modules() if isinstance(module, _LAYERS)]
    lost = [t for t in targets if not any(layer == t or layer.endswith(f".{t}") for layer in layers)]
    if lost:
        raise TunesmithError(
            msg(
                "adapter targets {targets} name no linear or convolution layer of `{network}`",
                targets=lost,
                network=name,
            ),
            where="adapter.targets",
            remedy=msg("The family's own targets are {targets}.", targets=tuple(known)),
        )


def _whole(alpha: float) -> Any:
    return int(alpha) if float(alpha).is_integer() else alpha


def unwrap_peft(network: Any) -> Any:
    """The network inside PEFT's wrappers, its adapted layers in place; anything else as it is."""
    return network.get_base_model() if hasattr(network, "get_base_model") else network

"""The weight of a layer with what its adapters add at their present strength, as a tensor of its own."""

from __future__ import annotations

import torch
from torch import nn


def merged_weight(layer: nn.Module) -> torch.Tensor:
    """What a linear layer multiplies by: its weight where no adapter acts, else a new tensor; the layer stays as it is.

    Args:
        layer: A linear layer, or PEFT's wrapper of one with LoRA or DoRA.
    """
    from peft.tuners.lora import LoraLayer

    if not isinstance(layer, LoraLayer):
        bare: torch.Tensor = layer.weight
        return bare
    wrapper: nn.Module = layer
    weight: torch.Tensor = layer.get_base_layer().weight
    if layer.disable_adapters or layer.merged:
        return weight
    for name in layer.active_adapters:
        if name not in layer.lora_A:
            continue
        if name in layer.lora_variant:
            weight = layer.lora_variant[name].merge_safe(wrapper, name, weight)
        else:
            weight = weight + layer.get_delta_weight(name).to(weight.dtype)
    return weight


def is_adapted(layer: nn.Module) -> bool:
    """Whether an adapter acts on this layer."""
    from peft.tuners.lora import LoraLayer

    return isinstance(layer, LoraLayer) and not layer.disable_adapters and not layer.merged

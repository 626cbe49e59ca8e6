"""The weight of a layer with what its adapters add at their present strength, as a tensor of its own."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def merged_weight(layer: nn.Module) -> torch.Tensor:
    """What a linear layer multiplies by: its weight where no adapter acts, else a new tensor; the layer stays as it is.

    Args:
        layer: A linear layer, or PEFT's wrapper of one with LoRA or DoRA.
    """
    wrapper: Any = layer
    weight: torch.Tensor = getattr(wrapper, "base_layer", wrapper).weight
    if not is_adapted(layer):
        return weight
    for name in wrapper.active_adapters:
        if name not in wrapper.lora_A:
            continue
        if name in wrapper.lora_variant:
            weight = wrapper.lora_variant[name].merge_safe(wrapper, name, weight)
        else:
            weight = weight + wrapper.get_delta_weight(name).to(weight.dtype)
    return weight


def is_adapted(layer: nn.Module) -> bool:
    """Whether an adapter acts on this layer beside its weight."""
    from peft.tuners.lora import LoraLayer

    return isinstance(layer, LoraLayer) and not layer.disable_adapters and not layer.merged

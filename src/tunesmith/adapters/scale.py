"""How strongly adapters act."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from tunesmith.adapters.full import tuning_of


def set_scale(networks: Mapping[str, nn.Module], scale: float) -> None:
    """Set the adapters' strength relative to how they were trained; 0 is the base model, DoRA's magnitudes included."""
    from peft.tuners.lora import LoraLayer

    for network in networks.values():
        if tuning := tuning_of(network):
            tuning.set_scale(scale)
        for module in network.modules():
            if isinstance(module, LoraLayer):
                module.enable_adapters(scale != 0)
                for adapter in module.scaling:
                    module.set_scale(adapter, scale if scale != 0 else 1.0)

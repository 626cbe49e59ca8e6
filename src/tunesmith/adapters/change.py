"""How far adapters move the weights they are attached to."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tunesmith.records.loss_probes import WeightChange

if TYPE_CHECKING:
    from peft.tuners.lora import LoraLayer


def weight_change(networks: Mapping[str, nn.Module]) -> WeightChange | None:
    """‖ΔW‖ / ‖W‖ over all layers that have an adapter and plain weights; ``None`` without any.

    Args:
        networks: With their adapters attached, at any strength but 0: the factors count at the strength they have.
    """
    found = sorted(_changes(networks))
    if not found:
        return None
    largest, layer = found[-1]
    return WeightChange(
        median=statistics.median(share for share, _ in found), largest=largest, layer=layer, layers=len(found)
    )


def _changes(networks: Mapping[str, nn.Module]) -> Iterator[tuple[float, str]]:
    from peft.tuners.lora import LoraLayer

    for network, root in networks.items():
        for name, module in root.named_modules():
            if isinstance(module, LoraLayer) and _is_plain(module):
                for adapter in module.active_adapters:
                    if adapter in module.lora_A:
                        yield _share(module, adapter), f"{network}.{name}"


def _is_plain(layer: LoraLayer) -> bool:
    """Whether a layer's own weights are numbers; packed ones (int8, NF4) have no norm without unpacking them."""
    weight: Any = layer.get_base_layer().weight
    return type(weight) in (torch.Tensor, nn.Parameter) and bool(weight.is_floating_point())


def _share(layer: LoraLayer, adapter: str) -> float:
    """Of one layer, from the factors alone: ‖BA‖² is the trace of (BᵀB)(AAᵀ), as small as the rank."""
    weight = _matrix(layer.get_base_layer())
    down, up = (_matrix(getattr(layer, name)[adapter]) for name in ("lora_A", "lora_B"))
    square = torch.sum((up.T @ up) * (down @ down.T))
    return float(layer.scaling[adapter] * square.clamp_min(0).sqrt() / weight.norm().clamp_min(1e-12))


def _matrix(factor: Any) -> torch.Tensor:
    weight: torch.Tensor = factor.weight
    return weight.detach().float().flatten(1)

"""Linear layers over a few rows, as every step of a sampler has them, from weights that oneDNN has reordered once.

A decoding step reads all weights for a few rows. For 2 to 16 rows the plain product on a CPU takes two to three times
as long as reading them would: MKL reorders the weight in every call, or multiplies row by row.

Shapes: N rows, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.adapters.merged import is_adapted, merged_weight
from tunesmith.data.machine import free_memory

Products = Callable[[torch.Tensor], Sequence[torch.Tensor]]
"""Rows (N, I) to what each of several layers makes of them, (N, O) each."""

LEAST_ROWS = 4
"""Fewer take oneDNN longer than four do, so that they are filled up to it."""
_SHARE_OF_MEMORY = 0.5
"""Of what is free, for the reordered copies."""


def may_reorder(layers: Iterable[nn.Module]) -> bool:
    """Whether all these layers may be reordered: on a CPU that has oneDNN, outside autocast, with room for a copy."""
    weights = [next(layer.parameters()) for layer in layers]
    able = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    on_cpu = all(weight.device.type == "cpu" for weight in weights) and not torch.is_autocast_enabled("cpu")
    copies = sum(weight.numel() * weight.element_size() for weight in weights)
    return able and on_cpu and copies <= _SHARE_OF_MEMORY * free_memory()


def products(layers: Sequence[nn.Module], *, reorder: bool) -> Products:
    """Layers that read the same rows, as one product where their weights can be reordered.

    Adapters are merged into fp32 weights for that. In half precision a weight has too few digits for what an adapter
    adds, so that adapted layers are called as they are. A later change of the layers is not followed.

    Args:
        layers: Linear layers with the same inputs, adapters attached or not.
        reorder: What :func:`may_reorder` said of all layers of the network.
    """
    if reorder and all(_takes(layer) for layer in layers):
        return _Reordered(layers)
    return lambda rows_NI: [layer(rows_NI) for layer in layers]


@contextmanager
def reordered(network: nn.Module) -> Iterator[None]:
    """While this lasts, the linear layers of a network multiply by reordered weights, where those can be had.

    Its results are those of the layers up to rounding; training and any change of the weights have to wait.
    """
    layers = list(_linear_layers(network))
    chosen = [layer for layer in layers if _takes(layer)] if may_reorder(layers) else []
    for layer in chosen:
        layer.forward = _Reordered([layer]).one
    try:
        yield
    finally:
        for layer in chosen:
            del layer.forward


def _linear_layers(module: nn.Module) -> Iterator[nn.Module]:
    """Linear layers, an adapted one with its adapter as one."""
    if isinstance(getattr(module, "base_layer", module), nn.Linear):
        yield module
    else:
        for child in module.children():
            yield from _linear_layers(child)


def _takes(layer: nn.Module) -> bool:
    base = getattr(layer, "base_layer", layer)
    if type(base) is not nn.Linear or type(base.weight.data) is not torch.Tensor or base.bias is not None:
        return False  # quantised, or not ours to multiply by
    kind = base.weight.dtype
    if kind == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and not is_adapted(layer)
    return kind == torch.float32


class _Reordered:
    """One product with the weights of several layers one below the other."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        weights = [merged_weight(layer).detach() for layer in layers]
        self._sizes = [len(weight) for weight in weights]
        whole = weights[0] if len(weights) == 1 else torch.cat(weights)
        self._weight = torch.ops.mkldnn._reorder_linear_weight(whole.contiguous(), LEAST_ROWS)

    def __call__(self, rows_NI: torch.Tensor) -> Sequence[torch.Tensor]:
        """What every layer makes of the rows."""
        count = len(rows_NI)
        if count < LEAST_ROWS:
            rows_NI = F.pad(rows_NI, (0, 0, 0, LEAST_ROWS - count))
        made = torch.ops.mkldnn._linear_pointwise(rows_NI.contiguous(), self._weight, None, "none", [], "")[:count]
        split: Sequence[torch.Tensor] = made.split(self._sizes, dim=-1)
        return split

    def one(self, x: torch.Tensor) -> torch.Tensor:
        """What the only layer makes of (..., I)."""
        made: torch.Tensor = self(x.flatten(0, -2))[0].unflatten(0, x.shape[:-1])
        return made

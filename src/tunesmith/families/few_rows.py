"""Linear layers over a few rows, as every step of a sampler has them, from weights that oneDNN has reordered once.

A decoding step reads all weights for a few rows. For 2 to 16 rows the plain product on a CPU takes two to three times
as long as reading them would: MKL reorders the weight in every call, or multiplies row by row.

Shapes: N rows, I inputs, O outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

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


def may_pack(layers: Iterable[nn.Module]) -> bool:
    """Whether all these layers may be reordered: on a CPU that has oneDNN, outside autocast, with room for a copy."""
    weights = [next(layer.parameters()) for layer in layers]
    able = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_linear_weight")
    on_cpu = all(weight.device.type == "cpu" for weight in weights) and not torch.is_autocast_enabled("cpu")
    copies = sum(weight.numel() * weight.element_size() for weight in weights)
    return able and on_cpu and copies <= _SHARE_OF_MEMORY * free_memory()


def products(layers: Sequence[nn.Module], *, pack: bool) -> Products:
    """Layers that read the same rows, as one product where they can be packed.

    Adapters are merged into fp32 weights for that. In half precision a weight has too few digits for what an adapter
    adds, so that adapted layers are called as they are. What is packed follows no later change of the layers.

    Args:
        layers: Linear layers with the same inputs, adapters attached or not.
        pack: What :func:`may_pack` said of all layers of the network.
    """
    if pack and all(_packs(layer) for layer in layers):
        return _Packed(layers)
    return lambda rows_NI: [layer(rows_NI) for layer in layers]


def _packs(layer: nn.Module) -> bool:
    kind = next(layer.parameters()).dtype
    if kind == torch.bfloat16:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and not is_adapted(layer)
    return kind == torch.float32


class _Packed:
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

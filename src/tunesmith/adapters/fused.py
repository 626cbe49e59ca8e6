"""Frozen linear layers in training, with or without LoRA, as one function each.

PEFT adds the adapter's product to the base's in three passes over an output (product, scale, sum), and autograd sums
two gradients of the input. Here both sums happen inside the products.

Shapes: N rows, I inputs, O outputs, R the adapter's rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from tunesmith.adapters.frozen_products import by_onednn, product
from tunesmith.adapters.merged import is_adapted


@contextmanager
def fused(networks: Iterable[nn.Module]) -> Iterator[None]:
    """While this lasts, frozen layers and their adapters are computed as one function, where they can be.

    Results are the layers' own up to rounding; a backward pass belongs inside, for it may compute blocks again. Layers
    with DoRA, dropout or several adapters, those over a base that is quantised or trained too, and blocks that a
    compiler fuses stay as they are.
    """
    forwards = [
        (layer, forward)
        for network in networks
        for layer in _layers(network)
        if "forward" not in vars(layer) and (forward := _forward_of(layer)) is not None
    ]
    for layer, forward in forwards:
        layer.forward = forward
    try:
        yield
    finally:
        for layer, _ in forwards:
            del layer.forward


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """All modules but those inside of compiled ones."""
    if module._compiled_call_impl is None:
        yield module
        for child in module.children():
            yield from _layers(child)


def _forward_of(layer: nn.Module) -> _Adapted | _Frozen | None:
    """What computes this layer in one; ``None`` where it has to stay as it is, or nothing is gained."""
    if _is_frozen(layer) and by_onednn(layer.weight):  # type: ignore[arg-type]
        return _Frozen(layer)
    return _Adapted(layer) if _is_plain_lora(layer) else None


def _is_frozen(layer: Any) -> bool:
    if type(layer) is not nn.Linear or layer.weight.requires_grad:
        return False
    return type(layer.weight.data) is torch.Tensor or hasattr(layer.weight, "device_mesh")  # divided among processes


def _is_plain_lora(layer: Any) -> bool:
    """Whether a layer is W x + scale B A x and nothing else."""
    if not is_adapted(layer) or not _is_frozen(layer.base_layer) or len(layer.active_adapters) != 1:
        return False
    name = layer.active_adapters[0]
    if name not in layer.lora_A or name in layer.lora_variant or not isinstance(layer.lora_dropout[name], nn.Identity):
        return False
    return layer.lora_A[name].bias is None and layer.lora_B[name].bias is None


def _precision(x: torch.Tensor) -> torch.dtype:
    """What autocast would multiply in, or the rows' own precision outside of it."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


class _Frozen:
    """The forward of a frozen layer."""

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """What the layer makes of (..., I)."""
        weight = self._layer.weight
        if _precision(x) != weight.dtype:
            return type(self._layer).forward(self._layer, x)  # type: ignore[no-any-return]
        made: torch.Tensor = _FrozenLinear.apply(x, weight, self._layer.bias)  # type: ignore[no-untyped-call]
        return made


class _Adapted:
    """The forward of a frozen layer with LoRA; PEFT's own where the weights are held in another precision."""

    def __init__(self, layer: Any) -> None:
        name = layer.active_adapters[0]
        self._layer, self._scale = layer, float(layer.scaling[name])
        self._a, self._b = layer.lora_A[name], layer.lora_B[name]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """What the layer makes of (..., I)."""
        base = self._layer.base_layer
        kind = base.weight.dtype
        if _precision(x) != kind:
            return type(self._layer).forward(self._layer, x)  # type: ignore[no-any-return]
        adapter = self._a.weight.to(kind), self._b.weight.to(kind), self._scale
        made: torch.Tensor = _AdaptedLinear.apply(x.to(kind), base.weight, base.bias, *adapter)  # type: ignore[no-untyped-call]
        return made


class _FrozenLinear(torch.autograd.Function):
    """y = x W' + bias, with the gradient of x."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight_OI: torch.Tensor, bias_O: torch.Tensor | None) -> torch.Tensor:
        ctx.save_for_backward(weight_OI)
        made_NO = product(x.reshape(-1, x.shape[-1]), weight_OI, bias_O, onednn=True)
        return made_NO.view(*x.shape[:-1], made_NO.shape[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (weight_OI,) = ctx.saved_tensors
        if not ctx.needs_input_grad[0]:
            return None, None, None
        over_NO = gradient.reshape(-1, gradient.shape[-1])
        over_NI = product(over_NO, weight_OI.t(), None, onednn=True)
        return over_NI.view(*gradient.shape[:-1], over_NI.shape[-1]), None, None


class _AdaptedLinear(torch.autograd.Function):
    """y = x W' + bias + scale x A' B', with gradients of x, A (R, I) and B (O, R)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight_OI: torch.Tensor,
        bias_O: torch.Tensor | None,
        a_RI: torch.Tensor,
        b_OR: torch.Tensor,
        scale: float,
    ) -> torch.Tensor:
        onednn = by_onednn(weight_OI)
        rows_NI = x.reshape(-1, x.shape[-1])
        low_NR = product(rows_NI, a_RI, None, onednn=onednn)
        made_NO = product(rows_NI, weight_OI, bias_O, onednn=onednn).addmm_(low_NR, b_OR.t(), alpha=scale)
        ctx.save_for_backward(rows_NI, low_NR, weight_OI, a_RI, b_OR)
        ctx.scale, ctx.onednn = scale, onednn
        return made_NO.view(*x.shape[:-1], made_NO.shape[-1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        rows_NI, low_NR, weight_OI, a_RI, b_OR = ctx.saved_tensors
        over_NO = gradient.reshape(-1, gradient.shape[-1])
        over_NR = product(over_NO, b_OR.t(), None, onednn=ctx.onednn).mul_(ctx.scale)
        x = None
        if ctx.needs_input_grad[0]:
            over_NI = product(over_NO, weight_OI.t(), None, onednn=ctx.onednn)
            x = over_NI.addmm_(over_NR, a_RI).view(*gradient.shape[:-1], over_NI.shape[-1])
        a_RI = over_NR.t() @ rows_NI if ctx.needs_input_grad[3] else None
        b_OR = (over_NO.t() @ low_NR).mul_(ctx.scale) if ctx.needs_input_grad[4] else None
        return x, None, None, a_RI, b_OR, None

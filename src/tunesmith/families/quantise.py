"""Frozen layers of a transformer's blocks in 8 or 4 bits instead of 32 or 16.

Only the matrices of the blocks are packed, nearly all of the weights: linear layers, and what a family names besides.
Biases, norms and all that is outside the blocks stay. Weights alone are packed; the arithmetic is that of the layer's
input.

Source: int8 with one scale per output is torchao's; NF4 with doubly quantised block scales is that of "QLoRA: Efficient
Finetuning of Quantized LLMs" (Dettmers et al. 2023), from bitsandbytes.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from torch import nn
from torch.nn import functional as F

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

Packing = Literal["int8", "nf4"]
PACKED = ".packed"
"""How the names of packed tensors end; no published name does."""
LIBRARIES: dict[Packing, str] = {"int8": "torchao.quantization", "nf4": "bitsandbytes"}


class Packed(nn.Module, ABC):
    """A layer whose weight can be packed; until then it is a plain layer.

    Adapters, which read ``weight`` and make layers of the same type, see no difference; every read unpacks it anew, so
    that nothing can be written into it.
    """

    plain: ClassVar[type[nn.Module]]
    """The layer that is packed."""
    packing: Packing

    @staticmethod
    @abstractmethod
    def sizes(layer: Any) -> tuple[int, ...]:
        """What to make a layer of the shape of ``layer`` with, packed or plain."""

    def __init__(self, *sizes: int, bias: bool = True, **options: Any) -> None:
        super().__init__(*sizes, bias=bias, **options)
        self.register_parameter("packed", None)

    def __getattr__(self, name: str) -> Any:
        packed = self.__dict__["_parameters"].get("packed")
        if name != "weight" or packed is None:
            return super().__getattr__(name)
        return nn.Parameter(unpack(packed, torch.float32, self._shape[1]).view(self._shape), requires_grad=False)

    def pack(self, weight: torch.Tensor) -> None:
        """Keep a weight of the layer's own shape, frozen, in place of the one it has."""
        del self.weight
        self._shape = weight.shape
        self.packed = pack(weight.flatten(1), self.packing)

    def full(self, weight: torch.Tensor) -> nn.Module:
        """The layer as it would be without packing, with this weight (fp32, on the CPU)."""
        layer: Any = self.plain(*self.sizes(self), bias=self.bias is not None)
        layer.weight.data = weight.to(torch.float32, copy=True)  # a merge writes into it
        if self.bias is not None:
            layer.bias.data = self.bias.detach().to("cpu", torch.float32)
        frozen: nn.Module = layer.requires_grad_(False)
        return frozen

    def product(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs) by the packed weight."""
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        product: torch.Tensor = _FrozenProduct.apply(x, self.packed, self.bias)  # type: ignore[no-untyped-call]
        return product


class PackedLinear(Packed, nn.Linear):
    """A linear layer."""

    plain = nn.Linear

    @staticmethod
    def sizes(layer: Any) -> tuple[int, ...]:
        """Inputs and outputs."""
        return layer.in_features, layer.out_features

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., inputs) to (..., outputs)."""
        return super().forward(x) if self.packed is None else self.product(x)


LINEAR: Mapping[type[nn.Module], type[Packed]] = {nn.Linear: PackedLinear}
"""What to pack, and as what, where all matrices are linear layers."""


class _FrozenProduct(torch.autograd.Function):
    """A product that unpacks its weight again for the gradient: kept until then, it would cost more than it saved."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, packed: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        ctx.packed, ctx.inputs = packed, x.shape[-1]
        return F.linear(x, unpack(packed, x.dtype, ctx.inputs), None if bias is None else bias.to(x.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (gradient,) = gradients
        return gradient @ unpack(ctx.packed, gradient.dtype, ctx.inputs), None, None


def make_packable(blocks: nn.Module, packing: Packing, kinds: Mapping[type[nn.Module], type[Packed]] = LINEAR) -> None:
    """Exchange the matrices' layers under ``blocks`` (on the meta device) for ones that pack the weights given them.

    Args:
        blocks: Everything in it of a type that ``kinds`` names.
        packing: How to pack.
        kinds: Packed layers by the exact type of the plain ones.

    Raises:
        TunesmithError: when the library is not installed.
    """
    _library(packing)
    for name, module in list(blocks.named_modules()):
        kind = kinds.get(type(module))
        if kind is None:
            continue
        layer = kind(*kind.sizes(module), bias=module.bias is not None, device="meta")
        layer.packing = packing
        parent, _, leaf = name.rpartition(".")
        setattr(blocks.get_submodule(parent), leaf, layer)


def pack(weight: torch.Tensor, packing: Packing) -> nn.Parameter:
    """A matrix (outputs, inputs) in fp32 as the library's own frozen tensor."""
    library = _library(packing)
    if packing == "int8":
        return nn.Parameter(library.Int8Tensor.from_hp(weight, granularity=library.PerRow()), requires_grad=False)
    # In one row: bitsandbytes' CPU kernel unpacks rows wrongly that are no multiple of its blocks of 64, and all others
    # several times as slowly. Moving it is what makes it quantise.
    packed: nn.Parameter = library.nn.Params4bit(weight.flatten(), requires_grad=False, quant_type="nf4").to("cpu")
    return packed


def unpack(packed: Any, dtype: torch.dtype, inputs: int) -> torch.Tensor:
    """The matrix (outputs, ``inputs``) that a packed one stands for."""
    if not hasattr(packed, "quant_state"):
        # One kernel with fp32 inside; scales that are rounded to bf16 would add half as much error again.
        matrix = torch.empty(packed.qdata.shape, dtype=dtype, device=packed.qdata.device)
        return torch.mul(packed.qdata, packed.scale, out=matrix)
    import bitsandbytes

    packed.quant_state.dtype = dtype
    unpacked: torch.Tensor = bitsandbytes.functional.dequantize_4bit(packed.data, packed.quant_state)
    return unpacked.view(-1, inputs)


def _library(packing: Packing) -> Any:
    try:
        return importlib.import_module(LIBRARIES[packing])
    except ImportError as error:
        raise TunesmithError(
            msg(
                "base weights in {packing} need the library {library}, which is not installed",
                packing=packing,
                library=LIBRARIES[packing].partition(".")[0],
            ),
            where="options.base_weights",
            remedy=msg("Run: pip install 'tunesmith[quantised]', or set it to full."),
        ) from error

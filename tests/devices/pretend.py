"""A GPU that is not there: tensors in the computer's memory that say they are on ``cuda``, and must not meet others.

What a real GPU would refuse is refused: operations over tensors of both sides (single numbers may come from the CPU),
NumPy views, generators of the other side. What would make the computer wait for the GPU is counted.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode, resolve_name
from torch.utils._pytree import tree_leaves, tree_map_only

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")
_TAG = "_is_on_pretended_gpu"
_MAY_MIX = {"copy_", "__set__", "set_data", "_has_compatible_shallow_copy_type"}
_WAITS = {"item", "tolist", "__bool__", "__float__", "__int__", "__index__", "nonzero", "masked_select", "unique"}
_LIKE = torch.Tensor.device.__get__  # type: ignore[attr-defined]


class MixedDevicesError(AssertionError):
    """An operation that a GPU would refuse."""


def is_on_gpu(tensor: torch.Tensor) -> bool:
    """Whether a tensor pretends to be on the GPU."""
    return bool(getattr(tensor, _TAG, False))


class PretendedGpu(TorchFunctionMode):
    """Inside of this block ``.to("cuda")`` and ``device="cuda"`` work, as far as can be told without a GPU.

    Attributes:
        waits: How often each kind of operation made the computer wait for the GPU.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        name = getattr(func, "__name__", str(func))
        if func == _LIKE:
            return CUDA if is_on_gpu(args[0]) else CPU
        if func == torch.Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return is_on_gpu(args[0])
        asked, args, kwargs = _asked_device(name, args, kwargs)
        if func == torch.Tensor.grad.__get__:  # type: ignore[attr-defined]
            grad = func(*args, **kwargs)
            return None if grad is None else _tagged(grad, is_on_gpu(args[0]))
        tensors = list(_tensors((args, kwargs)))
        on_gpu = [is_on_gpu(tensor) for tensor in tensors]
        self._count(name, args, any(on_gpu), asked)
        if name not in _MAY_MIX and asked is None:
            _refuse_mixed(func, name, (args, kwargs), tensors, on_gpu)
        if name == "numpy" and any(on_gpu):
            raise MixedDevicesError("a NumPy view of a tensor on the GPU")
        out = func(*args, **kwargs)
        if func == torch.Tensor.data.__set__:  # type: ignore[attr-defined]
            _tagged(args[0], is_on_gpu(args[1]))
            return out
        stays = any(on_gpu[:1]) if name in _MAY_MIX else any(on_gpu)
        here = asked if asked is not None else stays
        if asked is not None and tensors and out is tensors[0] and asked != on_gpu[0]:
            out = out.view_as(out)  # a move gives another tensor
        return tree_map_only(torch.Tensor, lambda tensor: _tagged(tensor, here), out)

    def _count(self, name: str, args: Any, from_gpu: bool, asked: bool | None) -> None:
        if not from_gpu:
            return
        leaves_gpu = asked is False and name in ("to", "cpu")
        by_mask = name in ("__getitem__", "__setitem__") and any(
            tensor.dtype == torch.bool for tensor in _tensors(args[1])
        )
        if name in _WAITS or leaves_gpu or by_mask:
            self.waits[f"{name} in {_caller()}"] += 1


def _tagged(tensor: torch.Tensor, here: bool) -> torch.Tensor:
    setattr(tensor, _TAG, here)
    return tensor


def _tensors(tree: Any) -> Iterator[torch.Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor))


def _asked_device(name: str, args: Any, kwargs: dict[str, Any]) -> tuple[bool | None, Any, dict[str, Any]]:
    """Whether a call names the GPU (or the CPU, or nothing), and its arguments with the CPU in that place."""
    if name == "cpu":
        return False, args, kwargs
    if name == "cuda":
        raise MixedDevicesError(".cuda() names no device that a user could choose")
    asked: bool | None = None
    if kwargs.get("device") is not None:
        asked = torch.device(kwargs["device"]).type == "cuda"
        kwargs["device"] = CPU
    if name == "to":
        given = list(args)
        for place, value in enumerate(given[1:], 1):
            if isinstance(value, (str, torch.device)):
                asked, given[place] = torch.device(value).type == "cuda", CPU
            elif isinstance(value, torch.Tensor):
                asked, given[place] = is_on_gpu(value), value
        args = tuple(given)
    return asked, args, kwargs


def _refuse_mixed(func: Any, name: str, args: Any, tensors: list[torch.Tensor], on_gpu: list[bool]) -> None:
    """Refuse an operation over both sides; a single number may come from the CPU, and so may an index."""
    generators = [leaf for leaf in tree_leaves(args) if isinstance(leaf, torch.Generator)]
    if any(on_gpu) and generators:
        raise MixedDevicesError(f"{resolve_name(func) or name}: a generator of the CPU draws on the GPU")
    if name in ("__getitem__", "__setitem__") and on_gpu[0]:
        return
    if any(on_gpu) and any(not here and t.dim() > 0 for t, here in zip(tensors, on_gpu, strict=True)):
        shapes = [(tuple(t.shape), "cuda" if here else "cpu") for t, here in zip(tensors, on_gpu, strict=True)]
        raise MixedDevicesError(f"{resolve_name(func) or name} over tensors of both sides: {shapes}")


def _caller() -> str:
    """The file and function that called, outside of PyTorch."""
    frame = sys._getframe(1)
    while "torch" in frame.f_code.co_filename or frame.f_code.co_filename == __file__:
        if frame.f_back is None:
            return "?"
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"

"""Weights in half precision, as every pocket model ships them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def round_to_half(model: Module) -> Module:
    """Replace every floating value by its nearest float16 value, in place; the type stays float32."""
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(tensor.half().float())
    return model


def save_half(tensors: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a safetensors file of them, floating ones in float16, each storage once, readable by everybody."""
    from safetensors.torch import save_file

    seen: set[int] = set()
    halved = {}
    for name, tensor in tensors.items():
        if tensor.data_ptr() not in seen:  # a tied embedding has two names
            seen.add(tensor.data_ptr())
            halved[name] = tensor.half().contiguous() if tensor.is_floating_point() else tensor
    save_file(halved, path, metadata={"format": "pt"})
    path.chmod(0o644)  # save_file leaves it readable by its owner alone

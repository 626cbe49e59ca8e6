"""Tensors in safetensors files: written whole or not at all, read with a reason where they cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path
from tunesmith.texts import Message, msg

_THIS_FILE = msg("this file")


def write_tensors(file: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> None:
    """Write a file as PEFT, diffusers and transformers do.

    Args:
        file: Its path.
        tensors: By name; taken as they are but for being made contiguous on the CPU.
        metadata: Of the header, beside the format that every such file names.
    """
    from safetensors.torch import save_file

    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with atomic_path(file) as temporary:
        save_file(ready, temporary, metadata={"format": "pt", **(metadata or {})})


def read_tensors(file: Path, what: Message = _THIS_FILE) -> dict[str, torch.Tensor]:
    """Read a file onto the CPU.

    Args:
        file: Its path.
        what: What it holds, for the message: ``this adapter``.

    Raises:
        TunesmithError: when it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(file)
    except SafetensorError as error:
        raise TunesmithError(
            msg("{what} cannot be read ({error})", what=what, error=error),
            where=str(file),
            remedy=msg("Take another checkpoint."),
        ) from error

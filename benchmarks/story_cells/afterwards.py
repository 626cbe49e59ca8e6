"""What happens to a finished run: another strength, none, or another base model under the adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from tunesmith.files import read_json, write_json

NOISE = 0.3
"""Of each matrix's own spread: another base of the same shape."""


def _scaled(run: Path, factor: float) -> None:
    for path in sorted(run.glob("best_model/**/adapter_config.json")):
        config = read_json(path)
        write_json(path, {**config, "lora_alpha": config["lora_alpha"] * factor})


def _zeroed(run: Path) -> None:
    """Every second factor becomes 0, as where an adapter was saved before it was trained."""
    for path in sorted(run.glob("best_model/**/adapter_model.safetensors")):
        tensors = load_file(path)
        zeros = {name: torch.zeros_like(tensor) if "lora_B" in name else tensor for name, tensor in tensors.items()}
        save_file(zeros, path, metadata={"format": "pt"})


def _other_base(run: Path) -> None:
    torch.manual_seed(7)
    for path in sorted((run / "base").glob("**/*.safetensors")):
        tensors = load_file(path)
        for name, tensor in tensors.items():
            if tensor.dim() == 2 and tensor.is_floating_point() and _is_trained_part(name):
                tensors[name] = tensor + NOISE * tensor.std() * torch.randn_like(tensor)
        save_file(tensors, path, metadata={"format": "pt"})


def _is_trained_part(name: str) -> bool:
    """The network that the adapter sits in, and no codec or text encoder, so that the clips' encoding stays right."""
    return not name.startswith(("audio_encoder", "text_encoder", "encoder", "codec"))


AFTERWARDS: dict[str, Callable[[Path], None]] = {
    "scale_4": lambda run: _scaled(run, 4),
    "scale_0": _zeroed,
    "wrong_base": _other_base,
}

"""Where the reference tensors lie: ``TUNESMITH_GOLDEN`` or ``tests/golden``; sizes are read from each file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

FOLDER = Path(os.environ.get("TUNESMITH_GOLDEN", Path(__file__).parent / "golden"))


def golden_path(name: str) -> Path:
    """A file or folder of the golden set (``ace_step/tiny_checkpoint``); the test skips when it is not there."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def golden_tensors(name: str) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and settings of one safetensors file of the golden set, by name without suffix."""
    with safe_open(golden_path(f"{name}.safetensors"), "pt") as file:
        metadata = file.metadata() or {}
        return {key: file.get_tensor(key) for key in file.keys()}, json.loads(metadata.get("json", "{}"))  # noqa: SIM118


def golden_metadata(name: str) -> dict[str, str]:
    """What a safetensors file of the golden set says of itself, key by key as it stands there."""
    with safe_open(golden_path(f"{name}.safetensors"), "pt") as file:
        return file.metadata() or {}


def part(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors under ``prefix.``, without it."""
    return {key[len(prefix) + 1 :]: value for key, value in tensors.items() if key.startswith(f"{prefix}.")}


def assert_close(name: str, ours: torch.Tensor, theirs: torch.Tensor, tolerance: float = 1e-4) -> None:
    """Largest absolute difference within ``tolerance``, relative to the reference's largest value where above 1."""
    assert ours.shape == theirs.shape, f"{name}: {tuple(ours.shape)} instead of {tuple(theirs.shape)}"
    difference = (ours.double() - theirs.double()).abs().max().item() if ours.numel() else 0.0
    limit = tolerance * max(1.0, theirs.abs().max().item() if theirs.numel() else 1.0)
    assert difference <= limit, f"{name}: differs by {difference:.3g}, allowed {limit:.3g}"

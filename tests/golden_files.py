"""Where the reference tensors lie: ``TUNESMITH_GOLDEN`` or ``tests/golden``; sizes are read from each file.

How near is near: CPUs round differently (AVX-512 and AVX2 have other exponentials, sums and Fourier transforms), so the
recorded numbers are one CPU's, and a limit that one CPU keeps says nothing of the next. Where rounding takes up much of
a limit, both sides are therefore held against the formula in double precision: number for number where arithmetic says
what each may lose (:func:`assert_rounded`), or ours against what the original lost (:func:`assert_as_near`).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

UNIT = 2.0**-24
"""The most that one rounding to single precision changes a number, relative to it."""
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


def assert_rounded(
    name: str, ours: torch.Tensor, theirs: torch.Tensor, exact: torch.Tensor, allowed: torch.Tensor
) -> None:
    """Ours and the reference each lie within ``allowed`` of ``exact``, number for number.

    Args:
        name: What is compared.
        ours: Our numbers.
        theirs: The reference's. They are held to the same, as otherwise ``exact`` would not be their formula.
        exact: The formula in double precision, written down in the tests.
        allowed: What the roundings of each number can add up to.
    """
    for whose, numbers in (("ours", ours), ("the reference", theirs)):
        assert numbers.shape == exact.shape, f"{name}, {whose}: {tuple(numbers.shape)} instead of {tuple(exact.shape)}"
        difference = (numbers.double() - exact).abs()
        worst = int((difference - allowed).argmax())
        off, limit = difference.flatten()[worst].item(), allowed.flatten()[worst].item()
        assert off <= limit, f"{name}, {whose}: number {worst} is off by {off:.3g}, allowed {limit:.3g}"


def assert_as_near(name: str, ours: torch.Tensor, theirs: torch.Tensor, exact: torch.Tensor) -> None:
    """Ours is at most twice as far from ``exact``, the formula in higher precision, as the reference is.

    The distance is the root mean square: thousands of roundings average out to the same on every CPU, while the largest
    single one is chance. The reference itself may lose six of its bits at most, as otherwise ``exact`` would not be its
    formula and twice its distance would allow anything.
    """
    assert ours.shape == theirs.shape == exact.shape, f"{name}: {ours.shape}, {theirs.shape} and {exact.shape}"
    off, needed = _root_mean_square(ours.double() - exact), _root_mean_square(theirs.double() - exact)
    rounding = 32 * torch.finfo(theirs.dtype).eps * _root_mean_square(exact)
    assert needed <= rounding, f"{name}: the reference is off by {needed:.3g}, which is more than rounding"
    assert off <= 2 * needed, f"{name}: off by {off:.3g}, where the reference is off by {needed:.3g}"


def _root_mean_square(numbers: torch.Tensor) -> float:
    return numbers.double().square().mean().sqrt().item()

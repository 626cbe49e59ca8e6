"""What training computes in: what the recipe says, what an earlier part of the run computed in, or what the device has.

A run that goes on from a checkpoint computes in what the checkpoint was made in, unless its recipe names a precision.
"""

from __future__ import annotations

from typing import Literal

import torch

from tunesmith.run.device import cpu_has_bf16

Precision = Literal["fp32", "bf16", "fp16"]


def settled(wanted: str, device: str, pinned: str = "", found: str = "fp32") -> Precision:
    """The precision of a run.

    Args:
        wanted: ``model.precision`` of the recipe. ``bf16`` is done as told on any CPU; fp16 is a GPU's.
        device: ``cpu``, ``cuda`` or ``mps``.
        pinned: What the checkpoint that is gone on from was made in; empty without one, or where it does not say.
        found: What a trial on this CPU found to be the faster (:mod:`tunesmith.training.precision_trial`).
    """
    if wanted == "fp32" or device == "mps":  # Apple GPUs train in fp32
        return "fp32"
    if device == "cpu":
        half = wanted == "bf16" or (wanted == "auto" and (pinned or found) == "bf16" and cpu_has_bf16())
        return "bf16" if half else "fp32"
    has_bf16 = torch.cuda.is_bf16_supported()
    if wanted != "auto":
        return "bf16" if has_bf16 else "fp16"
    if pinned == "fp16":
        return "fp16"
    if pinned == "fp32":
        return "fp32"
    return "bf16" if has_bf16 else "fp32"


def needs_trial(wanted: str, device: str) -> bool:
    """Whether a run that begins has to find out which precision is the faster."""
    return wanted == "auto" and device == "cpu" and cpu_has_bf16()


def name_for_accelerate(precision: Precision) -> str:
    """What accelerate calls a precision."""
    return "no" if precision == "fp32" else precision

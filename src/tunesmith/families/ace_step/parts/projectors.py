"""Heads that compare hidden frames with features of self-supervised music and speech models.

Shapes: B items, T frames, D width, S features. Source: "Representation Alignment for Generation" (Yu et al. 2024).
They serve that loss alone: 88 M of the released parameters, built only when asked for.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def make_projectors(width: int, features: Sequence[int]) -> nn.ModuleList:
    """One three-layer head (B, T, D) to (B, T, S) per compared model."""
    return nn.ModuleList(_projector(width, size) for size in features)


def _projector(width: int, features: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, 2 * width),
        nn.SiLU(),
        nn.Linear(2 * width, 2 * width),
        nn.SiLU(),
        nn.Linear(2 * width, features),
    )

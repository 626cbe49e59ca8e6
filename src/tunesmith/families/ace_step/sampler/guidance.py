"""Guided velocities from a conditional and an unconditional one.

Shapes: B items, C channels, H height, T frames. Every reduction is within one item, so items never mix.

Sources: adaptive projected guidance, "Eliminating Oversaturation and Artifacts of High Guidance Scales" (Sadat et al.
2024); "CFG-Zero*" (Fan et al. 2025); ACE-Step's ``acestep/apg_guidance.py`` for its constants.
"""

from __future__ import annotations

import torch

MOMENTUM = -0.75
THRESHOLD = 2.5
ZERO_STEPS = 2
"""Steps at the very beginning for which CFG-Zero* returns no velocity at all."""


class Momentum:
    """Running sum of guidance directions, from call to call: m = direction + coefficient * m.

    Args:
        coefficient: One number, or one per item as (B, 1, 1, 1).
    """

    def __init__(self, coefficient: float | torch.Tensor = MOMENTUM) -> None:
        self.coefficient = coefficient
        self.sum: torch.Tensor | None = None

    def add(self, direction: torch.Tensor) -> torch.Tensor:
        """Add a direction and return the sum."""
        self.sum = direction if self.sum is None else direction + self.coefficient * self.sum
        return self.sum


def apg(
    cond_BCHT: torch.Tensor,
    null_BCHT: torch.Tensor,
    scale: float,
    momentum: Momentum | None = None,
    *,
    threshold: float | None = THRESHOLD,
    parallel: float = 0.0,
) -> torch.Tensor:
    """Adaptive projected guidance, per item and channel over (H, T).

    Args:
        cond_BCHT: Conditional velocity.
        null_BCHT: Unconditional velocity.
        scale: Guidance; 1 returns ``cond``.
        momentum: State over the calls of one run.
        threshold: Largest norm of the direction; ``None`` for no limit.
        parallel: Share of the direction's part along ``cond`` that is kept (the paper's eta).
    """
    direction = cond_BCHT - null_BCHT
    if momentum is not None:
        direction = momentum.add(direction)
    if threshold is not None:
        norm = torch.linalg.vector_norm(direction, dim=(-2, -1), keepdim=True)
        direction = direction * (threshold / norm.clamp_min(threshold))
    exact = torch.float32 if cond_BCHT.device.type == "mps" else torch.float64  # Apple GPUs have no float64
    wide, along = direction.to(exact), cond_BCHT.to(exact)
    unit = along / torch.linalg.vector_norm(along, dim=(-2, -1), keepdim=True).clamp_min(1e-12)
    on_cond = (wide * unit).sum((-2, -1), keepdim=True) * unit
    kept = wide - (1 - parallel) * on_cond
    guided: torch.Tensor = cond_BCHT + (scale - 1) * kept.to(cond_BCHT.dtype)
    return guided


def cfg(cond: torch.Tensor, null: torch.Tensor, scale: float) -> torch.Tensor:
    """Classifier-free guidance (Ho and Salimans 2022)."""
    return null + scale * (cond - null)


def cfg_star(cond_BCHT: torch.Tensor, null_BCHT: torch.Tensor, scale: float, step: int) -> torch.Tensor:
    """CFG-Zero*: guidance from the null velocity scaled to fit the conditional one; nothing at the first steps."""
    if step < ZERO_STEPS:
        return torch.zeros_like(cond_BCHT)
    over = (-3, -2, -1)
    fit = (cond_BCHT * null_BCHT).sum(over, keepdim=True) / (null_BCHT.square().sum(over, keepdim=True) + 1e-8)
    return cfg(cond_BCHT, fit * null_BCHT, scale)


def double_condition(
    cond: torch.Tensor, null: torch.Tensor, only_text: torch.Tensor, text_scale: float, lyric_scale: float
) -> torch.Tensor:
    """Guidance by tags and by lyrics over tags, each with its own scale."""
    return (1 - text_scale) * null + (text_scale - lyric_scale) * only_text + lyric_scale * cond


def window(steps: int, interval: float) -> range:
    """The steps that are guided: the middle ``interval`` (0..1) of them."""
    return range(int(steps * ((1 - interval) / 2)), int(steps * (interval / 2 + 0.5)))


def decayed(scale: float, lowest: float, decay: float, step: int, steps: range) -> float:
    """Guidance at ``step``, having fallen linearly over the guided ``steps`` by ``decay`` of the way to ``lowest``."""
    progress = (step - steps.start) / max(1, len(steps) - 1)
    return scale - (scale - lowest) * progress * decay

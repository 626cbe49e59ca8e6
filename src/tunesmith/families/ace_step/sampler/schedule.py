"""Noise levels of training and sampling: a sigma is the share of noise, x = sigma * noise + (1 - sigma) * data.

Source: ACE-Step's ``FlowMatch*Scheduler`` classes (``acestep/schedulers``); the shift is that of "Scaling Rectified
Flow Transformers" (Esser et al. 2024), sigma' = s * sigma / (1 + (s - 1) * sigma).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import torch

TRAINING_LEVELS = 1000
"""Entries of the training table; the model is told ``TRAINING_LEVELS * sigma`` as its time."""

NoiseLevel = TypeVar("NoiseLevel", float, torch.Tensor)


def shifted(sigma: NoiseLevel, shift: float) -> NoiseLevel:
    """Move noise levels in 0..1 towards more noise; 0 and 1 stay."""
    return shift * sigma / (1 + (shift - 1) * sigma)


def training_sigmas(shift: float) -> torch.Tensor:
    """The levels that training draws from, (1000,) fp32, from 1 down to the shifted 1/1000."""
    even = torch.linspace(1, TRAINING_LEVELS, TRAINING_LEVELS, dtype=torch.float64).flip(0) / TRAINING_LEVELS
    return shifted(even, shift).float()


def sampling_sigmas(steps: int, shift: float, highest: float = 1.0) -> torch.Tensor:
    """Levels of a sampling run, (steps + 1,) fp32, falling to 0.

    Evenly spaced between ``highest`` and the lowest training level, which is shifted already, and then shifted: the
    released model is sampled with this second shift. ``highest`` below 1 begins in the middle, for audio2audio.
    """
    lowest = min(highest, float(training_sigmas(shift)[-1]))
    even = torch.linspace(highest, lowest, steps, dtype=torch.float64)
    return torch.cat([shifted(even, shift), even.new_zeros(1)]).float()


def chosen_sigmas(only: Sequence[int], shift: float) -> torch.Tensor:
    """Levels of a run that takes only some steps (counted from 1) of a longer one; shifted once more, as upstream."""
    sigmas = sampling_sigmas(max(only), shift)
    return torch.cat([shifted(sigmas[[step - 1 for step in only]], shift), sigmas[-1:]])


def truncated(steps: int, shift: float, strength: float, *, upstream: bool) -> tuple[float, torch.Tensor]:
    """Noise level and schedule of audio2audio, which begins at a noised source instead of pure noise.

    Upstream noises to the shifted ``1 - strength`` but tells the model that level shifted once more. Here the schedule
    begins at the level that the latents have, which is also where the text-to-music schedule has ``1 - strength`` of
    its steps left.

    Args:
        steps: Steps of a whole run.
        shift: See :func:`shifted`.
        strength: Share of the source to keep; 1 is all of it, and no step.
        upstream: Reproduce the mismatch.

    Returns:
        The level of the noised source and the levels of the schedule, the first of which is that level unless
        ``upstream``.
    """
    share = 1.0 - strength
    level = shifted(share, shift)
    if upstream:
        return level, sampling_sigmas(int(share * steps), shift, level)
    count = max(1, math.floor(share * steps + 0.5)) if share > 0 else 0
    return level, sampling_sigmas(count, shift, share)

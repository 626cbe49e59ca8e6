"""Guided velocity of a batch: the transformer computes all branches in one pass.

Shapes: B items, C channels, H height, T frames.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from tunesmith.families.ace_step.parts.transformer import Conditions
from tunesmith.families.ace_step.sampler import guidance
from tunesmith.families.ace_step.sampler.conditions import Branches
from tunesmith.families.ace_step.sampler.request import is_double
from tunesmith.families.ace_step.sampler.schedule import TRAINING_LEVELS
from tunesmith.families.ace_step.settings import AceStepSettings

if TYPE_CHECKING:
    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer


class GuidedVelocity:
    """The velocity field of one run.

    Args:
        transformer: On its device, in eval mode.
        branches: Conditions of the B items.
        settings: Guidance, which is one for the batch.
        steps: Steps of the whole run; the guided window is a share of them.
        momentum: APG's coefficient, one number or one per item (B, 1, 1, 1).
    """

    def __init__(
        self,
        transformer: AceStepTransformer,
        branches: Branches,
        settings: AceStepSettings,
        steps: int,
        momentum: float | torch.Tensor = guidance.MOMENTUM,
    ) -> None:
        self.transformer, self.branches, self.settings = transformer, branches, settings
        self.window = guidance.window(steps, settings.guidance_interval)
        self.momentum = guidance.Momentum(momentum)

    def __call__(self, x_BCHT: torch.Tensor, level: float, step: int) -> torch.Tensor:
        """Velocity (B, C, H, T) fp32 at a noise level; in steps outside the window the conditional one alone."""
        guided = self.branches.guided
        if guided is None or step not in self.window:
            return self._decode(x_BCHT, level, self.branches.cond, None)
        rows = x_BCHT.repeat(self.branches.count, 1, 1, 1)
        velocities = self._decode(rows, level, guided, self.branches.query_scale)
        return self._guide(velocities.chunk(self.branches.count), step)

    def _decode(
        self, x: torch.Tensor, level: float, conditions: Conditions, query_scale: torch.Tensor | None
    ) -> torch.Tensor:
        time = torch.full((len(x),), TRAINING_LEVELS * level, device=x.device)
        velocity = self.transformer.decode(x, time, conditions, query_scale_B=query_scale)
        if not isinstance(velocity, torch.Tensor):
            raise TypeError("no taps were asked for")
        return velocity.float()

    def _guide(self, velocities: tuple[torch.Tensor, ...], step: int) -> torch.Tensor:
        s = self.settings
        cond, null = velocities[:2]
        if is_double(s):
            return guidance.double_condition(cond, null, velocities[2], s.guidance_text, s.guidance_lyric)
        scale = guidance.decayed(s.guidance, s.min_guidance, s.guidance_decay, step, self.window)
        if s.guidance_type == "apg":
            return guidance.apg(cond, null, scale, self.momentum)
        if s.guidance_type == "cfg":
            return guidance.cfg(cond, null, scale)
        return guidance.cfg_star(cond, null, scale, step)

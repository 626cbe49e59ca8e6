"""One step from a noise level to the next: Euler, Heun, PingPong.

A stepper counts model calls, since Heun calls the model twice per step.

Shapes: B items, C channels, H height, T frames.

Sources: ACE-Step's ``acestep/schedulers``; Heun as in "Elucidating the Design Space of Diffusion-Based Generative
Models" (Karras et al. 2022).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable

import torch


def omega_factor(omega: float) -> float:
    """Upstream's granularity scale as a factor between 0.9 and 1.1; 1 for omega 0."""
    return 0.9 + 0.2 / (1 + math.exp(-0.1 * omega))


def rescaled(change_BCHT: torch.Tensor, omega: float) -> torch.Tensor:
    """Scale a step around its mean over the item; the mean itself stays."""
    mean = change_BCHT.mean((1, 2, 3), keepdim=True)
    return (change_BCHT - mean) * omega_factor(omega) + mean


class Stepper(ABC):
    """Goes down a list of noise levels.

    Attributes:
        levels: The level of every model call, then that of the result, 0.
    """

    levels: list[float]

    @property
    def calls(self) -> int:
        """How many times the model is called."""
        return len(self.levels) - 1

    def first_call(self, step: int) -> int:
        """The model call with which a step begins."""
        return step

    def step_of(self, call: int) -> int:
        """The step that a model call belongs to."""
        return call

    @abstractmethod
    def step(self, x: torch.Tensor, velocity: torch.Tensor, call: int) -> torch.Tensor:
        """Latents at ``levels[call + 1]`` from latents and velocity (B, C, H, T) at ``levels[call]``."""


class Euler(Stepper):
    """First order."""

    def __init__(self, sigmas: torch.Tensor, omega: float = 0.0) -> None:
        self.levels, self.omega = sigmas.tolist(), omega

    def step(self, x: torch.Tensor, velocity: torch.Tensor, call: int) -> torch.Tensor:
        """See :class:`Stepper`."""
        return x + rescaled((self.levels[call + 1] - self.levels[call]) * velocity, self.omega)


class Heun(Stepper):
    """Second order: an Euler step, then the mean of both ends' velocities; the last step, to 0, is Euler's."""

    def __init__(self, sigmas: torch.Tensor, omega: float = 0.0) -> None:
        once = sigmas.tolist()
        twice = [level for level in once[1:-1] for _ in range(2)]
        self.levels, self.omega = [*once[:1], *twice, *once[1:][-1:]], omega
        self.origin: tuple[torch.Tensor, torch.Tensor] | None = None

    def first_call(self, step: int) -> int:
        """See :class:`Stepper`."""
        return 2 * step

    def step_of(self, call: int) -> int:
        """See :class:`Stepper`."""
        return call // 2

    def step(self, x: torch.Tensor, velocity: torch.Tensor, call: int) -> torch.Tensor:
        """See :class:`Stepper`; even calls predict, odd calls correct."""
        if call % 2 == 0:
            self.origin = (x, velocity)
            return x + rescaled((self.levels[call + 1] - self.levels[call]) * velocity, self.omega)
        if self.origin is None:
            raise ValueError("a Heun step begins with an even call")
        before, slope = self.origin
        span = self.levels[call] - self.levels[call - 1]
        return before + rescaled(0.5 * (slope + velocity) * span, self.omega)


class PingPong(Stepper):
    """Predicts the data and noises it anew at every step; ``noise`` draws (B, C, H, T)."""

    def __init__(self, sigmas: torch.Tensor, noise: Callable[[], torch.Tensor]) -> None:
        self.levels, self.noise = sigmas.tolist(), noise

    def step(self, x: torch.Tensor, velocity: torch.Tensor, call: int) -> torch.Tensor:
        """See :class:`Stepper`; nothing is drawn for the step to 0."""
        data = x - self.levels[call] * velocity
        level = self.levels[call + 1]
        return data if level == 0 else (1 - level) * data + level * self.noise()

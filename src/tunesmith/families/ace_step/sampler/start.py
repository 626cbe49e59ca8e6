"""The start of a sampling run: noise per item, latents at a first level, frames that must not change.

Shapes: B items, C channels, H height, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tunesmith.families.ace_step.sampler.step import Stepper


class Noise:
    """Draws normal noise, each item from its own CPU generator, so that neither batch nor device changes it.

    Args:
        seeds: One per item.
        shape: Channels and height of a latent.
        device: Where the noise is wanted.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int], device: torch.device) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.shape, self.device = shape, device

    def draw(self, frames: int) -> torch.Tensor:
        """The next noise of every item (B, C, H, frames)."""
        rows = [torch.randn(*self.shape, frames, generator=generator) for generator in self.generators]
        return torch.stack(rows).to(self.device)


@dataclass(frozen=True)
class Inpainting:
    """A source that the latents follow outside some frames, noised to the level of each step.

    Attributes:
        source: Latents (B, C, H, T).
        noise: Their noise (B, C, H, T).
        free: Frames (T,) that do not follow it.
    """

    source: torch.Tensor
    noise: torch.Tensor
    free: torch.Tensor

    def at(self, level: float) -> torch.Tensor:
        """The source at a noise level."""
        return (1 - level) * self.source + level * self.noise

    def apply(self, x: torch.Tensor, level: float) -> torch.Tensor:
        """``x`` in the free frames, the noised source elsewhere."""
        return torch.where(self.free, x, self.at(level))


@dataclass(frozen=True)
class SamplerStart:
    """The beginning of a run.

    Attributes:
        x: Latents (B, C, H, T) at the level of ``first``.
        stepper: How to go on.
        steps: Steps of the whole run, those before ``first`` included.
        first: The model call to begin with.
        inpainting: The source and the frames of it that the run may change.
        before: Source frames (B, C, H, any) beyond what is sampled at once; they go in front of the result.
        after: The same, behind it.
    """

    x: torch.Tensor
    stepper: Stepper
    steps: int
    first: int = 0
    inpainting: Inpainting | None = None
    before: torch.Tensor | None = None
    after: torch.Tensor | None = None

    def with_source_ends(self, x: torch.Tensor) -> torch.Tensor:
        """The result between the source frames that were not sampled."""
        return torch.cat([part for part in (self.before, x, self.after) if part is not None], dim=-1)

"""Latents from captions, for measuring a pocket that has just been trained.

Shape legend: B clips, L tokens, T latent frames; latents (B, 8, 16, T).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from tools.pocket.ace_step.batches import SHIFT
from tunesmith.families.ace_step.sampler.guidance import cfg
from tunesmith.families.ace_step.sampler.schedule import sampling_sigmas
from tunesmith.families.ace_step.sampler.step import Euler

if TYPE_CHECKING:
    from tools.pocket.ace_step.assemble import Parts

STEPS, GUIDANCE = 27, 2.5


@torch.no_grad()
def sample(
    parts: Parts,
    captions: Sequence[str],
    frames: int,
    seed: int,
    *,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
) -> torch.Tensor:
    """One clip of ``frames`` per caption: Euler steps, classifier-free guidance all the way, no lyrics.

    Args:
        parts: Trained.
        captions: As a user would write them.
        frames: T, 10.77 per second.
        seed: Of the noise.
        steps: Model calls per clip, times two for the guidance.
        guidance: 1 follows the caption without emphasis.
    """
    count = len(captions)
    text = parts.tokenizer(list(captions), padding=True, return_tensors="pt")
    states = parts.text_encoder(input_ids=text.input_ids, attention_mask=text.attention_mask).last_hidden_state
    both = torch.cat([states, torch.zeros_like(states)])
    mask = text.attention_mask.repeat(2, 1)
    lyrics, lyric_mask = torch.zeros(2 * count, 1, dtype=torch.long), torch.zeros(2 * count, 1)
    latents = torch.randn(count, 8, 16, frames, generator=torch.Generator().manual_seed(seed))
    euler = Euler(sampling_sigmas(steps, SHIFT))
    for call, level in enumerate(euler.levels[:-1]):
        sigma = torch.full((2 * count,), level)
        velocity = parts.velocity(latents.repeat(2, 1, 1, 1), sigma, both, mask, lyrics, lyric_mask)
        described, null = velocity.chunk(2)
        latents = euler.step(latents, cfg(described, null, guidance), call)
    return latents

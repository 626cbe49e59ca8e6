"""FlowEdit: turns a source into another prompt's song along the difference of two velocities, without inverting it.

Shapes: B items, C channels, H height, T frames.

Sources: "FlowEdit: Inversion-Free Text-Based Editing Using Pre-Trained Flow Models" (Kulikov et al. 2024);
``flowedit_diffusion_process`` of ACE-Step's ``pipeline_ace_step.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch

from tunesmith.families.ace_step.sampler.conditions import encode_branches
from tunesmith.families.ace_step.sampler.guidance import MOMENTUM
from tunesmith.families.ace_step.sampler.request import LatentRequest
from tunesmith.families.ace_step.sampler.schedule import sampling_sigmas
from tunesmith.families.ace_step.sampler.start import Noise
from tunesmith.families.ace_step.sampler.step import Euler
from tunesmith.families.ace_step.sampler.tasks import stacked_sources
from tunesmith.families.ace_step.sampler.velocity import GuidedVelocity
from tunesmith.families.ace_step.settings import AceStepSettings

if TYPE_CHECKING:
    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer


def edit_settings(settings: AceStepSettings) -> AceStepSettings:
    """The options that edit has: guided by one scale at every step, without omega and weakened attention."""
    unused = {"guidance_interval": 1.0, "guidance_decay": 0.0, "guidance_text": 0.0, "guidance_lyric": 0.0}
    weak = {"erg_tag": False, "erg_lyric": False, "erg_diffusion": False}
    kind = {"guidance_type": "apg"} if settings.compat == "upstream" else {}
    return settings.model_copy(update={**unused, **weak, **kind})


def edit(
    transformer: AceStepTransformer,
    requests: Sequence[LatentRequest],
    shape: tuple[int, int],
    device: torch.device,
    report: Callable[[float], None],
) -> torch.Tensor:
    """Edited latents (B, C, H, T) of requests that differ in prompts, seeds and source content alone.

    Upstream's momentum, when it follows the difference, is of the source's guidance alone, so that even equal prompts
    change the source; here both have theirs.
    """
    settings = edit_settings(requests[0].settings)
    stepper = Euler(sampling_sigmas(settings.steps, settings.shift))
    begin, end = (int(settings.steps * share) for share in (settings.edit_start, settings.edit_end))
    source = stacked_sources(requests, device)
    noise = Noise([request.seed for request in requests], shape, device)
    prompts = [request.prompt for request in requests]
    described = [request.source_prompt for request in requests if request.source_prompt is not None]
    momentum = torch.full((2 * len(requests), 1, 1, 1), MOMENTUM, device=device)
    if requests[0].upstream:
        momentum[len(requests) :] = 0
    both = encode_branches(transformer, [*described, *prompts], settings, device)
    velocity = GuidedVelocity(transformer, both, settings, settings.steps, momentum)
    edited = source
    for call in range(begin, end):
        level, change = stepper.levels[call], torch.zeros_like(source)
        for _ in range(settings.edit_averages):
            noised = (1 - level) * source + level * noise.draw(source.shape[-1])
            of_source, of_target = velocity(torch.cat([noised, edited + noised - source]), level, call).chunk(2)
            change = change + (of_target - of_source) / settings.edit_averages
        edited = stepper.step(edited, change, call)
        report((call + 1 - begin) / (stepper.calls - begin))
    if end == stepper.calls:
        return edited
    level = stepper.levels[end]
    x = edited + level * (noise.draw(source.shape[-1]) - source)
    targets = encode_branches(transformer, prompts, settings, device)
    velocity = GuidedVelocity(transformer, targets, settings, settings.steps)
    for call in range(end, stepper.calls):
        x = stepper.step(x, velocity(x, stepper.levels[call], call), call)
        report((call + 1 - begin) / (stepper.calls - begin))
    return x

"""Latents for any mix of requests: those that differ in content alone go through the model together.

Shapes: B items, C channels, H height, T frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import torch

from tunesmith.families.ace_step.sampler.conditions import encode_branches
from tunesmith.families.ace_step.sampler.edit import edit
from tunesmith.families.ace_step.sampler.request import LatentRequest, check
from tunesmith.families.ace_step.sampler.tasks import make_start
from tunesmith.families.ace_step.sampler.velocity import GuidedVelocity

if TYPE_CHECKING:
    from tunesmith.families.ace_step.parts.transformer import AceStepTransformer

FRAMES_AT_ONCE = 8192
"""Latent frames of all items of one batch (one alone may have more), which bounds the memory."""


@torch.no_grad()
def sample(
    transformer: AceStepTransformer,
    requests: Sequence[LatentRequest],
    device: torch.device,
    progress: Callable[[float], None] | None = None,
) -> list[torch.Tensor]:
    """Latents (C, H, T) fp32 on ``device``, one per request, in order.

    A result is the same, up to rounding, whatever else is in the batch. Steps are in fp32, whatever the transformer
    computes in.

    Args:
        transformer: On ``device``, in eval mode.
        requests: Of any tasks, lengths and options.
        device: Where to compute; noise is always drawn on the CPU.
        progress: Called with the share done, 0..1.

    Raises:
        TunesmithError: for a request that cannot be made, before any is begun.
    """
    for request in requests:
        check(request)
    results: dict[int, torch.Tensor] = {}
    total, done = sum(request.length for request in requests), 0
    for members in _batches(requests):
        batch = [requests[index] for index in members]
        work = sum(request.length for request in batch)

        def report(share: float, done: int = done, work: int = work) -> None:
            if progress is not None:
                progress((done + share * work) / total)

        results.update(zip(members, _sample(transformer, batch, device, report), strict=True))
        done += work
        report(1.0)
    return [results[index] for index in range(len(requests))]


def _sample(
    transformer: AceStepTransformer,
    batch: Sequence[LatentRequest],
    device: torch.device,
    report: Callable[[float], None],
) -> torch.Tensor:
    settings = batch[0].settings
    shape = (transformer.config.in_channels, transformer.config.max_height)
    if settings.task == "edit":
        return edit(transformer, batch, shape, device, report)
    start = make_start(batch, shape, device)
    stepper, x = start.stepper, start.x
    branches = encode_branches(transformer, [request.prompt for request in batch], settings, device)
    velocity = GuidedVelocity(transformer, branches, settings, start.steps)
    for call in range(start.first, stepper.calls):
        # Upstream counts the guided steps in calls, which puts Heun's window into the first half of a run.
        step = call if batch[0].upstream else stepper.step_of(call)
        x = stepper.step(x, velocity(x, stepper.levels[call], step), call)
        if start.inpainting is not None:
            x = start.inpainting.apply(x, stepper.levels[call + 1])
        report((call + 1 - start.first) / (stepper.calls - start.first))
    return start.with_source_ends(x)


def _batches(requests: Sequence[LatentRequest]) -> Iterator[list[int]]:
    """Indices of requests of one length, span and setting, as many together as :data:`FRAMES_AT_ONCE` allows."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, request in enumerate(requests):
        key = (request.settings, request.length, request.source_frames, request.span, request.max_frames)
        groups.setdefault(key, []).append(index)
    for members in groups.values():
        size = max(1, FRAMES_AT_ONCE // requests[members[0]].length)
        for first in range(0, len(members), size):
            yield members[first : first + size]

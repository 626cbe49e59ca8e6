"""How each task begins: text2music, retake, repaint, extend, audio2audio (edit.py has a loop of its own).

Shapes: B items, C channels, H height, T frames of the result, S frames of the source.

Source: ``text2music_diffusion_process`` of ACE-Step's ``pipeline_ace_step.py``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch.nn import functional as F

from tunesmith.data.item_rng import key_of
from tunesmith.families.ace_step.sampler.request import LatentRequest
from tunesmith.families.ace_step.sampler.schedule import chosen_sigmas, sampling_sigmas, truncated
from tunesmith.families.ace_step.sampler.start import Inpainting, Noise, SamplerStart
from tunesmith.families.ace_step.sampler.step import Euler, Heun, PingPong, Stepper
from tunesmith.families.ace_step.settings import AceStepSettings

Draw = Callable[[], torch.Tensor]


def make_start(requests: Sequence[LatentRequest], shape: tuple[int, int], device: torch.device) -> SamplerStart:
    """Begin a run over requests that differ in prompts, seeds and source content alone."""
    request, settings = requests[0], requests[0].settings
    noise = Noise([each.seed for each in requests], shape, device)
    second = Noise([_second_seed(each) for each in requests], shape, device)
    task = settings.task
    if task == "extend":
        return _extend(request, stacked_sources(requests, device), noise, second)
    frames = request.length
    first = noise.draw(frames)
    only = settings.only_steps
    sigmas = chosen_sigmas(only, settings.shift) if only else sampling_sigmas(settings.steps, settings.shift)
    if task == "audio2audio":
        level, sigmas = truncated(settings.steps, settings.shift, settings.strength, upstream=request.upstream)
        first = (1 - level) * stacked_sources(requests, device) + level * first
    elif task == "repaint" and request.span is not None and not (request.upstream and request.span == (0, frames)):
        mixed = _mixed(first, second.draw(frames), settings.variance)
        free = _frames(frames, *request.span, device)
        inpainting = Inpainting(stacked_sources(requests, device), torch.where(free, mixed, first), free)
        return _inpainted(settings, inpainting, lambda: noise.draw(frames))
    elif task != "text2music":
        first = _mixed(first, second.draw(frames), settings.variance)
    stepper = _stepper(settings, sigmas, settings.omega, lambda: noise.draw(frames))
    return SamplerStart(first, stepper, len(sigmas) - 1)


def stacked_sources(requests: Sequence[LatentRequest], device: torch.device) -> torch.Tensor:
    """The requests' sources (B, C, H, S) in fp32."""
    return torch.stack([request.source.float() for request in requests if request.source is not None]).to(device)


def _extend(request: LatentRequest, source: torch.Tensor, noise: Noise, second: Noise) -> SamplerStart:
    """Pad the source and generate the pads; source frames beyond ``max_frames`` are set aside and put back.

    There is no first result in a pad, so the run begins with pure noise (upstream's page does so too, by setting the
    variance to 1); the upstream code begins where ``variance`` says, from zeros.
    """
    size, settings = source.shape[-1], request.settings
    start, end = request.span or (0, size)
    left, right = -start, end - size
    excess = max(0, left + size + right - request.max_frames)
    begin, stop = (excess, size) if right else (0, size - excess)
    new = second.draw(size if request.upstream else left + right)
    first = torch.cat([new[..., :left], noise.draw(size)[..., begin:stop], new[..., new.shape[-1] - right :]], dim=-1)
    frames = first.shape[-1]
    kept = _frames(frames, left, frames - right, source.device)
    inpainting = Inpainting(F.pad(source[..., begin:stop], (left, right)), first, ~kept)
    start_of_run = _inpainted(settings, inpainting, lambda: noise.draw(frames))
    return replace(start_of_run, before=source[..., :begin], after=source[..., stop:])


def _inpainted(settings: AceStepSettings, inpainting: Inpainting, draw: Draw) -> SamplerStart:
    """Begin at the step that ``variance`` says, from the source at that level; ``omega`` is not used, as upstream."""
    sigmas = sampling_sigmas(settings.steps, settings.shift)
    upstream = settings.compat == "upstream"
    stepper = _stepper(settings, sigmas, 0.0, draw)
    step = int(settings.steps * (1 - settings.variance)) if upstream or settings.task == "repaint" else 0
    first = step if upstream else stepper.first_call(step)
    if upstream:
        # Whatever the scheduler, upstream steps like Euler over its levels, Heun's doubled ones too.
        stepper = Euler(torch.tensor(stepper.levels))
    return SamplerStart(inpainting.at(stepper.levels[first]), stepper, settings.steps, first, inpainting)


def _stepper(settings: AceStepSettings, sigmas: torch.Tensor, omega: float, draw: Draw) -> Stepper:
    if settings.scheduler == "heun":
        return Heun(sigmas, omega)
    if settings.scheduler == "pingpong":
        return PingPong(sigmas, draw)
    return Euler(sigmas, omega)


def _mixed(first: torch.Tensor, second: torch.Tensor, variance: float) -> torch.Tensor:
    """A quarter turn from one noise (variance 0) to another (1); the result is normal noise throughout."""
    angle = variance * math.pi / 2
    return math.cos(angle) * first + math.sin(angle) * second


def _frames(count: int, start: int, end: int, device: torch.device) -> torch.Tensor:
    """True (T,) for the frames in [start, end)."""
    index = torch.arange(count, device=device)
    return (index >= start) & (index < end)


def _second_seed(request: LatentRequest) -> int:
    if request.retake_seed is not None:
        return request.retake_seed
    return key_of(request.seed, "retake") >> 65

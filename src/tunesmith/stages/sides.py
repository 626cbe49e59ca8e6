"""The sounds of an evaluation: every prompt with the base and with the adapter, some of them at further strengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.prompt import Prompt
from tunesmith.run.context import RunContext
from tunesmith.stages.kept_sounds import KeptSounds
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.evaluation.compare import Made, SideFiles
    from tunesmith.evaluation.speech.measures import SpeechEvaluator
    from tunesmith.families.contract import GenerationRequest

BASE, ADAPTER, STRENGTHS = "base_model", "lora_model", "strengths"
"""Folders of an evaluation."""
HEARD_STRENGTHS = (0.5, 1.5)
"""Strengths at which some prompts are heard, beside the base's 0 and the adapter's 1."""
SideRequests = dict[str, tuple[float, Message, Sequence["GenerationRequest"]]]
"""By folder: the adapter's strength, what the progress bar says, and what is asked for."""


def generate_sides(
    context: RunContext,
    networks: Mapping[str, nn.Module],
    prompts: Sequence[Prompt],
    target: Path,
    device: str,
    kept: KeptSounds,
    speech: SpeechEvaluator | None = None,
) -> dict[str, list[SideFiles]]:
    """Audio of all sides by folder: one pair of networks, the adapter at several strengths. It is left at 1.

    What an interrupted evaluation has made of it is taken from ``kept``.
    """
    from tunesmith.adapters.scale import set_scale
    from tunesmith.evaluation.compare import shared_gains, write_side
    from tunesmith.stages.generate import produce

    made: dict[str, Made] = {}
    sides = side_requests(context, prompts, speech)
    generator = context.family.generation.generator(networks, device)
    generator.prepare(sides[ADAPTER][2])  # the other sides are asked for the same
    for name, (scale, title, requests) in sides.items():
        set_scale(networks, scale)
        named = (kept, name.replace("/", "-"))
        made[name] = produce(context, networks, requests, context.console, device, title, named, generator)
    set_scale(networks, 1.0)
    gains, suffix = shared_gains(made.values()), context.recipe.generate.format
    return {name: write_side(target / name, side, gains, suffix, prompts, speech) for name, side in made.items()}


def side_requests(context: RunContext, prompts: Sequence[Prompt], speech: SpeechEvaluator | None) -> SideRequests:
    """What is generated: the same seeds at every strength, and of further strengths the first prompts alone."""
    from tunesmith.prompting.spoken import need_voices
    from tunesmith.stages.generate import requests_for

    recipe = context.recipe.evaluate
    defaults = context.family.generation.default_request_options()
    requests = requests_for(prompts, recipe.seconds, recipe.seed, context.family)
    requests = [replace(r, options={**defaults, **r.options}) for r in requests]
    if speech is not None:
        need_voices(requests)
    sides: SideRequests = {BASE: (0.0, msg("base model"), requests)} if recipe.compare else {}
    sides[ADAPTER] = (1.0, msg("lora model"), requests)
    own = sum(prompt.kind != "base_style" for prompt in prompts)
    if some := requests[: min(own, recipe.strength_prompts)]:
        for scale in HEARD_STRENGTHS:
            sides[strength_folder(scale)] = (scale, msg("strength {scale:g}", scale=scale), some)
    return sides


def strength_folder(scale: float) -> str:
    """Where the sounds of a strength lie in an evaluation."""
    return f"{STRENGTHS}/{scale:g}"

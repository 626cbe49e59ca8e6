"""Listening while it trains: the same prompts and seeds at every preview, measured as they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn

from tunesmith.families.contract import Family, Generated, GenerationRequest
from tunesmith.recipe.models import Recipe
from tunesmith.run.folder import RunFolder


@dataclass(frozen=True)
class Preview:
    """One generated preview: where it lies, what was measured, and what is wrong with it, if anything."""

    index: int
    prompt: str
    seed: int
    file: str
    signals: dict[str, Any]
    problem: str | None


def preview_requests(recipe: Recipe, captions: Sequence[str]) -> list[GenerationRequest]:
    """The requests of every preview of a run."""
    prompts = recipe.previews.prompts or tuple(dict.fromkeys(captions))[: recipe.previews.count]
    return [
        GenerationRequest({"caption": prompt}, recipe.previews.seconds, recipe.generate.seed + index)
        for index, prompt in enumerate(prompts)
    ]


def make_previews(
    family: Family,
    networks: Mapping[str, nn.Module],
    requests: Sequence[GenerationRequest],
    folder: RunFolder,
    update: int,
    device: str,
) -> list[Preview]:
    """Generate, write and measure one round of previews; call with the networks in evaluation mode."""
    from tunesmith.audio.write import write
    from tunesmith.evaluation.collapse import collapse
    from tunesmith.evaluation.signals import measure

    previews = []
    target = folder.previews / f"step-{update:06d}"
    for index, made in enumerate(family.generator(networks, device).generate(requests)):
        path = target / f"{index:02d}.wav"
        write(path, made.audio, made.sample_rate)
        signals = measure(made.audio.T, made.sample_rate)
        previews.append(
            Preview(
                index=index,
                prompt=made.request.texts.get("caption", ""),
                seed=made.request.seed,
                file=path.relative_to(folder.path).as_posix(),
                signals=signals.to_json(),
                problem=collapse(signals),
            )
        )
    return previews


def base_style_seconds(recipe: Recipe) -> float:
    """Their loss needs no longer clips than this, however long the previews are."""
    return min(recipe.previews.seconds, 10.0)


def base_style(family: Family, networks: Mapping[str, nn.Module], recipe: Recipe, device: str) -> list[Generated]:
    """The base model's own answers to its own kind of prompts; call with the adapters' scale at zero."""
    prompts = family.base_prompts()[: recipe.evaluate.forgetting_prompts]
    requests = [
        GenerationRequest({"caption": prompt}, base_style_seconds(recipe), recipe.generate.seed + index)
        for index, prompt in enumerate(prompts)
    ]
    return list(family.generator(networks, device).generate(requests)) if requests else []

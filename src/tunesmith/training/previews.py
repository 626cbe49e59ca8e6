"""Previews while a run trains: the same prompts and seeds every time, measured as they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from tunesmith.data.mapped_manifest import samples_on
from tunesmith.data.prompt import Prompt
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Family, GenerationRequest
from tunesmith.prompting.choose import asked_lyrics, lyrics_of
from tunesmith.recipe.models import Recipe
from tunesmith.records.metrics import PreviewLine
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.texts import msg

if TYPE_CHECKING:
    from tunesmith.evaluation.diagnosis.rule import Profile
    from tunesmith.training.run_state import RunState


@dataclass(frozen=True)
class Preview:
    """One generated preview: where it lies, what was measured, and what is wrong with it, if anything."""

    index: int
    prompt: str
    seed: int
    file: str
    signals: dict[str, Any]
    problem: str | None


def preview_requests(context: RunContext, samples: Sequence[Sample]) -> list[GenerationRequest]:
    """The requests of every preview of a run: its own prompts, else held-out captions, else any."""
    recipe, lyrics = context.recipe, asked_lyrics(context.recipe.generate.lyrics, context.family)
    if context.family.is_speech:
        from tunesmith.prompting.spoken import spoken_prompts, spoken_request

        asked = spoken_prompts(context, recipe.previews.prompts, recipe.previews.count)
        seeded = enumerate(asked, recipe.generate.seed)
        # Samples of audio tokens alone have no voice to speak with, and the run goes on without previews.
        seconds = recipe.previews.seconds
        networks = context.family.networks
        own = networks.in_training() != networks.names  # what answers a text is not there
        return [
            spoken_request(prompt, context.family, seconds, seed, with_target=own)
            for seed, prompt in seeded
            if prompt.voice
        ]
    texts = {prompt: Prompt(prompt, "user", lyrics=lyrics) for prompt in recipe.previews.prompts}
    if not texts:
        seconds = recipe.previews.seconds
        for sample in samples_on(samples, "valid") or samples:
            if len(texts) == recipe.previews.count:
                break
            caption = sample.texts.get("caption", "")
            if caption not in texts:
                sample_lyrics = lyrics or lyrics_of(sample, context.family, seconds)
                texts[caption] = Prompt(caption, "held_out", sample, sample_lyrics)
    return [
        GenerationRequest(
            prompt.texts,
            recipe.previews.seconds,
            recipe.generate.seed + index,
            options=context.family.generation.default_request_options(),
        )
        for index, prompt in enumerate(texts.values())
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
    from tunesmith.evaluation.collapse import collapse
    from tunesmith.evaluation.outputs import write_output

    profile: Profile = "speech" if family.is_speech else "music"
    previews = []
    target = folder.previews / f"step-{update:06d}"
    for index, made in enumerate(family.generation.generator(networks, device).generate(requests)):
        path = target / f"{index:02d}.wav"
        signals = write_output(path, made.audio, made.sample_rate).measure()
        previews.append(
            Preview(
                index=index,
                prompt=made.request.texts.get("caption", ""),
                seed=made.request.seed,
                file=path.relative_to(folder.path).as_posix(),
                signals=signals.to_json(),
                problem=collapse(signals, profile=profile),
            )
        )
    return previews


def timed_previews(run: RunState, prompts: int, update: int) -> list[Preview]:
    """Previews of the first prompts with the weights that the networks have, which are those of an update."""
    state = run.state
    device = str(state.accelerator.device)
    with run.rounds.timed(prompts):
        return make_previews(state.family, state.networks, run.requests[:prompts], run.context.folder, update, device)


def preview(run: RunState, prompts: int) -> None:
    """Make one round of previews of the first prompts; warn the moment one fades, goes silent or turns to noise."""
    state, update = run.state, run.state.progress.update
    with state.measuring():
        previews = timed_previews(run, prompts, update)
    for made in previews:
        run.tracker.write(PreviewLine(update=update, **vars(made)))
        if made.problem:
            run.context.console.warn(
                msg(
                    "preview {index} at update {update} ({prompt}): {problem}",
                    index=made.index,
                    update=update,
                    prompt=repr(made.prompt),
                    problem=made.problem,
                )
            )
    run.previewed_at = update
    run.preview_problems = not_of_the_base(run, previews)


def not_of_the_base(run: RunState, previews: Sequence[Preview]) -> tuple[str, ...]:
    """What is wrong with previews where the base's own (step 0, same prompt and seed) are sound."""
    base = {p.index for p in run.context.folder.read_metrics(PreviewLine) if p.update == 0 and p.problem}
    return tuple(made.problem for made in previews if made.problem and made.index not in base)


def base_style_seconds(recipe: Recipe) -> float:
    """Seconds of the base model's own outputs: their loss needs no longer clips, however long the previews are."""
    return min(recipe.previews.seconds, 10.0)


def base_style_requests(context: RunContext) -> list[GenerationRequest]:
    """What the base model is asked for in its own kind of prompts; of speech, also every kind of edit it knows."""
    family, recipe = context.family, context.recipe
    texts = family.generation.base_prompts()[: recipe.evaluate.forgetting_prompts]
    seconds, seed = base_style_seconds(recipe), recipe.generate.seed
    if family.is_speech and texts:
        from tunesmith.prompting.spoken import base_style_prompts, spoken_request

        prompts = base_style_prompts(context, texts)
        return [spoken_request(prompt, family, seconds, seed + i) for i, prompt in enumerate(prompts) if prompt.voice]
    return [
        GenerationRequest({"caption": text}, seconds, seed + index, options=family.generation.default_request_options())
        for index, text in enumerate(texts)
    ]

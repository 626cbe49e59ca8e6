"""The generate stage: audio from the finished adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunesmith.data.prompt import Prompt
from tunesmith.errors import TunesmithError
from tunesmith.files import DamagedFileError
from tunesmith.prompting.choose import choose_prompts
from tunesmith.prompting.text_warnings import warn_of_texts
from tunesmith.records.generated import GeneratedFile, GeneratedFiles
from tunesmith.run.context import RunContext
from tunesmith.run.rounds import new_round
from tunesmith.stages.planned import with_bounded_outputs
from tunesmith.texts import Message, msg

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

    from tunesmith.evaluation.diagnosis.rule import Profile
    from tunesmith.families.contract import Family, GenerationRequest, Generator
    from tunesmith.run.console import Console
    from tunesmith.stages.kept_sounds import KeptSounds

RECORD = "generated.json"
"""What was made, beside what was made."""


def generate(context: RunContext) -> dict[str, Any]:
    """Generate with the run's best adapter into ``generated/``, which holds one round and changes as a whole."""
    from tunesmith.run.adapted import adapter_folder

    context = with_bounded_outputs(context, "generate")
    folder = context.folder.generated
    with new_round(folder, {RECORD, *recorded_files(folder)}) as target:
        return generate_with(context, adapter_folder(context), target, shown=folder)


def generate_elsewhere(context: RunContext, out: Path) -> None:
    """Generate into the user's folder alone, where the run's own cannot be written to."""
    from tunesmith.run.adapted import adapter_folder

    run = str(context.folder.path)
    context.console.warn(msg("{run} cannot be written to; the audio goes to {out} alone", run=run, out=str(out)))
    generate_with(context, adapter_folder(context), out)


def generate_with(context: RunContext, adapter: Path, target: Path, *, shown: Path | None = None) -> dict[str, Any]:
    """Generate with any adapter of the run's base into any folder, whose other files stay.

    Args:
        context: The run.
        adapter: The adapter's folder.
        target: Where the audio is written.
        shown: The folder that is printed, where ``target`` is going to take that name.
    """
    from tunesmith.adapters.scale import set_scale
    from tunesmith.evaluation.outputs import gain_message
    from tunesmith.run.adapted import in_bf16, load_adapted
    from tunesmith.run.device import pick_device

    recipe = context.recipe.generate
    texts: Sequence[str] = recipe.prompts
    if context.family.is_speech:
        from tunesmith.prompting.spoken import asked_texts

        texts = asked_texts(context)
    prompts = choose_prompts(context, texts, recipe.count, recipe.seconds)
    warn_of_texts(context, prompts)
    device = pick_device(context.recipe.model.device)
    if recipe.loras:
        networks = stacked(context, device)
    else:
        networks = load_adapted(context.family, adapter, device, bf16=in_bf16(context, device))
        set_scale(networks, recipe.adapter_scale)
    made = render(context, networks, prompts, target, device)
    GeneratedFiles(
        adapter=None if recipe.loras else adapter.name,
        scale=None if recipe.loras else recipe.adapter_scale,
        loras=recipe.loras,
        source=recipe.source or None,
        span=recipe.span if recipe.source else None,
        files=tuple(made),
    ).write(target / RECORD)
    for file in made:
        line = f"  {(shown or target) / file.file}  {file.prompt!r}"
        context.console.log(msg("{said}  ({problem})", said=line, problem=file.problem) if file.problem else line)
        if said := gain_message(file.signals["gain_db"]):
            context.console.log(msg("  {file} is {said}.", file=file.file, said=said))
    return {"files": [file.file for file in made], "adapter": adapter.name}


def recorded_files(target: Path) -> set[str]:
    """Names of the files that an earlier round wrote here, by its own record; none where that is damaged."""
    record = target / RECORD
    try:
        return {Path(file.file).name for file in GeneratedFiles.read(record).files} if record.exists() else set()
    except DamagedFileError:
        return set()


def stacked(context: RunContext, device: str) -> dict[str, nn.Module]:
    """The base with the adapters of ``generate.loras`` on it, each at its own strength, instead of the run's."""
    from tunesmith.run.adapted import in_bf16, on_device

    networks = context.family.networks.load()
    for note in context.family.adapters.apply(networks, context.recipe.generate.loras):
        context.console.log(note)
    return on_device(networks, device, context.family.networks.full_precision, bf16=in_bf16(context, device))


def requests_for(prompts: Sequence[Prompt], seconds: float, seed: int, family: Family) -> list[GenerationRequest]:
    """One request per prompt; item i uses seed + i. Speech brings its prompt's audio."""
    from tunesmith.families.contract import GenerationRequest

    if family.is_speech:
        from tunesmith.prompting.spoken import spoken_request

        return [spoken_request(p, family, seconds, seed + i) for i, p in enumerate(prompts)]
    return [GenerationRequest(p.texts, seconds, seed + i) for i, p in enumerate(prompts)]


def with_source(context: RunContext, requests: Sequence[GenerationRequest]) -> list[GenerationRequest]:
    """The requests with the recipe's source audio, what it is and which span of it is meant.

    Raises:
        TunesmithError: when the source cannot be read, has too low a rate to speak with, or would be replaced by the
            results.
    """
    recipe, speech = context.recipe.generate, context.family.checks.speech_tools()
    is_speech = speech is not None
    if not recipe.source:
        if is_speech:
            from tunesmith.prompting.spoken import need_voices

            need_voices(requests)
        return list(requests)
    from tunesmith.data.load import load
    from tunesmith.data.sample import PROMPT, PROMPT_TEXT, AudioRef
    from tunesmith.prompting.source import described_source, warn_of_equal_texts

    if context.folder.generated.resolve() in Path(recipe.source).resolve().parents:
        raise TunesmithError(
            msg("this source lies among the results that are about to be replaced"),
            where=recipe.source,
            remedy=msg("Copy it elsewhere first (generate --out FOLDER does), and name the copy."),
        )
    card = context.family.card.facts()
    role = PROMPT if is_speech else context.family.type.audio_roles[-1]
    lowest = speech.lowest_rate if speech else 0
    source = {role: load(AudioRef(recipe.source), card.sample_rate, card.channels, lowest_rate=lowest)}
    about = described_source(context, {PROMPT_TEXT if is_speech else "source_caption": recipe.source_prompt})
    replaced = {PROMPT_TEXT} if is_speech else set()  # what the sample's prompt says is not what this source says
    texts = [{role: text for role, text in r.texts.items() if role not in replaced} | about for r in requests]
    warn_of_equal_texts(context, texts)
    return [
        replace(r, source=source, span=recipe.span, texts=t, options={}) for r, t in zip(requests, texts, strict=True)
    ]


def render(
    context: RunContext, networks: Mapping[str, nn.Module] | None, prompts: Sequence[Prompt], target: Path, device: str
) -> list[GeneratedFile]:
    """Generate, write and measure; one record per prompt."""
    from tunesmith.evaluation.collapse import collapse
    from tunesmith.evaluation.outputs import write_output

    recipe = context.recipe.generate
    requests = with_source(context, requests_for(prompts, recipe.seconds, recipe.seed, context.family))
    profile: Profile = "speech" if context.family.is_speech else "music"
    records = []
    for index, (audio, rate) in enumerate(produce(context, networks, requests, context.console, device)):
        path = target / f"{index:02d}.{recipe.format}"
        output = write_output(path, audio, rate)
        signals = output.measure()
        records.append(
            GeneratedFile(
                file=path.name,
                prompt=prompts[index].text,
                seed=requests[index].seed,
                seconds=round(output.audio.shape[-1] / output.rate, 3),
                signals=signals.to_json(),
                problem=collapse(signals, profile=profile),
            )
        )
    return records


def produce(
    context: RunContext,
    networks: Mapping[str, nn.Module] | None,
    requests: Sequence[GenerationRequest],
    console: Console,
    device: str,
    title: Message | None = None,
    kept: tuple[KeptSounds, str] | None = None,
    generator: Generator | None = None,
) -> list[tuple[np.ndarray, int]]:
    """Audio (C, N) and rate for every request, in batches, with a progress bar.

    Args:
        context: The run.
        networks: Its networks; ``None`` where the family needs none.
        requests: What to generate.
        console: Where the progress is shown.
        device: Where to compute.
        title: What the progress bar says.
        kept: Where batches are kept as they are made, and taken from if they are there; and the name of this side.
        generator: One that is prepared for these requests; by default a new one.
    """
    size = context.recipe.generate.batch_size
    if generator is None:
        generator = context.family.generation.generator(networks, device)
        generator.prepare(requests)
    made: list[tuple[np.ndarray, int]] = []
    with console.progress(title or msg("generate"), 100 * len(requests)) as advance:
        for start in range(0, len(requests), size):
            batch = requests[start : start + size]
            names = [f"{kept[1]}-{start + i:03d}" for i in range(len(batch))] if kept else []
            if kept and (before := kept[0].sounds(names)) is not None:
                made += before
                advance(100 * len(batch))
                continue
            shown = 0

            def tick(share: float, count: int = len(batch)) -> None:
                nonlocal shown
                now = int(share * 100 * count)
                advance(now - shown)
                shown = now

            sounds = [(result.audio, result.sample_rate) for result in generator.generate(batch, tick)]
            made += sounds
            if kept:
                kept[0].keep(names, sounds)
            advance(100 * len(batch) - shown)
    return made

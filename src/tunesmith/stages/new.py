"""A new run: look at the data, choose values for it, write a recipe that says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.planning.sentences import plan_lines
from tunesmith.recipe.load import LoadedRecipe, resolved_path, validate_options
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.overrides import parse_overrides
from tunesmith.recipe.presets import preset_text
from tunesmith.recipe.schema import write_schema
from tunesmith.recipe.write import commented_recipe
from tunesmith.records.plan import RunPlan
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.kept_facts import keep_facts, measuring_place
from tunesmith.stages.look import COMFORTABLE, Wanted, choose, is_speech, look
from tunesmith.stages.open import RUNS, free_place
from tunesmith.stages.planned import bounded_outputs, make_plan
from tunesmith.stages.scan import DatasetSummary
from tunesmith.stages.survey import counts_line
from tunesmith.stages.writing import writing
from tunesmith.texts import LANGUAGES, Message, msg

_EVERY_KEY = msg("Every key is here with its value; lines that begin with → say what was seen in your data.")


def new_run(
    name: str,
    folder: Path | str,
    model: str | None = None,
    *,
    preset: str | None = None,
    overrides: Sequence[str] = (),
    force: bool = False,
    root: Path | None = None,
    console: Console | None = None,
) -> RunFolder:
    """Write ``runs/<name>/recipe.yaml`` after looking at the data, and print what was seen and chosen.

    Args:
        name: The run's name.
        folder: The folder of audio, or a list of speech pairs; or an address, as text.
        model: Hub id or folder of the base model; the preset's, else the default.
        preset: A preset to start from.
        overrides: ``key.path=value`` texts that the recipe will hold.
        force: Replace the recipe of a run that exists.
        root: Where runs are kept.
        console: Prints what was seen and chosen, and the progress; a new one by default.

    Raises:
        TunesmithError: for a bad name, a run that exists, a folder without usable clips, an unknown preset or model,
            or one text for all clips of speech.
    """
    console = console or Console()
    run = free_place(name, root or RUNS, force=force)
    keys = parse_overrides(overrides)
    for key, flag in ((("name",), "NAME"), (("data", "folder"), "--from")):
        if keys.get(*key) is not None:
            raise TunesmithError(
                msg("{flag} says this already", flag=flag), where=".".join(key), remedy=msg("Leave it out.")
            )
    model = model or keys.get("model", "path")
    text = keys.get("data", "default_text")
    _refuse_early(model, preset, text)
    wanted = Wanted(name, model, preset, text, keys)
    with measuring_place(run, console) as measured:
        seen = look(wanted, folder, measured, console)
        loaded, chosen = choose(wanted, seen)
        planned = plan_for(loaded, seen, console)
        if planned is not None and too_large(planned):
            loaded, chosen = choose(wanted, seen, recompute=True)
        recipe = bounded(loaded, seen, console, chosen)
        planned = plan_for(replace(loaded, recipe=recipe), seen, console)
        settings = validate_options(loaded) if recipe.options else _settings(recipe)
        text = commented_recipe(recipe, _header(name, seen), notes(seen, chosen), settings=settings)
        with writing(run, f"tunesmith new {name}", console):
            keep_facts(measured, run)
            write_schema(run.path, _family_name(recipe))
            write_text(run.recipe, text)
            if planned is not None:
                planned.write(run.plan)
    for line in summary(seen, recipe, planned):
        console.log(line)
    console.log(msg("recipe: {path} (every key with its meaning; change what you like)", path=str(run.recipe)))
    console.log(msg("next: tunesmith run {run}", run=name if root is None else str(run.path)), style="bold")
    return run


def plan_for(loaded: LoadedRecipe, dataset: DatasetSummary, console: Console) -> RunPlan | None:
    """What the run will take; ``None`` when the base model's size cannot be known without downloading it."""
    if card_for_planning(loaded.recipe) is None:
        return None
    return make_plan(_context(loaded, console), dataset.samples)


def bounded(loaded: LoadedRecipe, dataset: DatasetSummary, console: Console, reasons: dict[str, str]) -> Recipe:
    """The recipe with as much to generate after training as suits how long it trains, and the reason."""
    context, said = bounded_outputs(_context(loaded, console), dataset.samples)
    for section in said:
        reasons[section] = "as much as takes about a quarter of the training time at most"
    return context.recipe


def _context(loaded: LoadedRecipe, console: Console) -> RunContext:
    """The run that a recipe will make, before it has a folder."""
    return RunContext(RunFolder(RUNS / loaded.recipe.name), loaded.recipe, console, given=loaded.given)


def too_large(plan: RunPlan) -> bool:
    """Whether a GPU of the common size would be full, by the estimate."""
    return any(d.memory_bytes > COMFORTABLE for d in plan.devices if d.device == "GPU")


def notes(dataset: DatasetSummary, reasons: dict[str, str]) -> dict[str, str]:
    """What was seen in the data, by the key that it bears on."""
    found = dataset.found
    split = "the folder's own split" if found.split_kind == "given" else f"{found.valid} of {found.kept} clips"
    seen = {
        "data.folder": f"{len(dataset.seconds)} clips from {dataset.sources} sources, {dataset.lengths()}",
        "data.layout": f"detected: {dataset.layout}",
        "data.valid_share": f"held out: {split}",
    }
    if dataset.captions:
        text, times = dataset.captions[0]
        seen["previews.prompts"] = f"{len(dataset.captions)} different captions; the most used ({times}): {text[:80]}"
    return {**seen, **reasons}


def summary(dataset: DatasetSummary, recipe: Recipe, plan: RunPlan | None) -> list[str | Message]:
    """What is printed of the new run."""
    lines: list[str | Message] = [
        msg("folder: {path}", path=str(dataset.folder)),
        msg(
            "layout: {layout}; {clips} clips from {sources} sources, {lengths}",
            layout=dataset.layout,
            clips=len(dataset.seconds),
            sources=dataset.sources,
            lengths=dataset.lengths(),
        ),
        _captions(dataset, recipe.data.default_text),
        counts_line(dataset.found),
        *(msg("note: {said}", said=note) for note in (*dataset.found.notes, *dataset.warnings)),
        *_unusable(dataset, recipe.name),
        *_guessed(dataset),
    ]
    if plan is not None:
        return [*lines, *plan_lines(plan)]
    unknown = msg(
        "plan: the size of {model} is not known before it is downloaded; see `tunesmith plan`", model=recipe.model.path
    )
    return [*lines, unknown]


def _captions(dataset: DatasetSummary, default_text: str | None) -> Message:
    kinds, uncaptioned = len(dataset.captions), dataset.uncaptioned
    if not default_text:
        return msg("captions: {kinds} different; {count} clips have none", kinds=kinds, count=uncaptioned)
    return msg(
        "captions: {kinds} different; {count} clips have none and take the default, `{text}`",
        kinds=kinds,
        count=uncaptioned,
        text=default_text,
    )


def _unusable(dataset: DatasetSummary, run: str) -> list[Message]:
    quarantined = dataset.found.quarantined
    if not quarantined:
        return []
    count, (name, reason) = len(quarantined), next(iter(quarantined.items()))
    first = msg("{clip}: {said}", clip=name, said=reason)
    if count == 1:
        return [msg("warning: {count} cannot be used: {first}", count=count, first=first)]
    return [
        msg(
            "warning: {count} cannot be used: {first} (and {more} more; `tunesmith check {run}` tells them all)",
            count=count,
            first=first,
            more=count - 1,
            run=run,
        )
    ]


def _guessed(dataset: DatasetSummary) -> list[Message]:
    if dataset.guess is None:
        return []
    return [
        msg(
            "warning: {count} clips have no caption, and the folder's name, `{text}`, stands in for one. Write "
            "captions beside the clips, or say what they sound like with --text.",
            count=dataset.uncaptioned,
            text=dataset.guess,
        )
    ]


def _refuse_early(model: str | None, preset: str | None, default_text: str | None) -> None:
    """Refuse a misspelt preset or model, or a text that cannot be meant, before a large folder is read."""
    from tunesmith.families.registry import recognise

    if preset is not None:
        preset_text(preset)
    if model is not None:
        recognise(resolved_path(model, Path.cwd(), always=False))
    if default_text is not None and is_speech(model, preset):
        raise TunesmithError(
            msg("one text for all clips cannot be what is said in each of them"),
            where="--text",
            remedy=msg("Leave it out; transcripts belong to their clips."),
        )


def _family_name(recipe: Recipe) -> str:
    from tunesmith.families.registry import recognise

    return recipe.model.family or recognise(recipe.model.path)


def _settings(recipe: Recipe) -> Any:
    from tunesmith.families.registry import family_type

    return family_type(_family_name(recipe)).settings()


def _header(name: str, dataset: DatasetSummary) -> list[str]:
    return [
        f"Recipe of the run `{name}`, written after looking at {dataset.folder}.",
        str(_EVERY_KEY),
        f"Run it:             tunesmith run {name}",
        f"Change one key:     tunesmith run {name} train.learning_rate=5e-5",
        f"See what it takes:  tunesmith plan {name}",
        *(_EVERY_KEY.render(language) for language in LANGUAGES if language != "en"),
    ]

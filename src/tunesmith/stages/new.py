"""A new run: look at the data, choose values for it, write a recipe that says why."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from tunesmith.data.layouts import layout_named, refuse_speech
from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.planning.planner import estimate, plan_lines
from tunesmith.recipe.load import LoadedRecipe, build, resolve_paths, resolved_path, validate_options
from tunesmith.recipe.models import ModelRecipe, Recipe
from tunesmith.recipe.presets import preset_text
from tunesmith.recipe.schema import write_schema
from tunesmith.recipe.tree import Tree, parse_tree
from tunesmith.recipe.write import commented_recipe
from tunesmith.records.plan import RunPlan
from tunesmith.run.base_card import card_for_planning
from tunesmith.run.console import Console
from tunesmith.run.folder import RunFolder
from tunesmith.stages.open import RUNS, free_place
from tunesmith.stages.scan import DatasetSummary, scan_folder
from tunesmith.stages.writing import writing
from tunesmith.texts import LANGUAGES, Message, msg

COMFORTABLE = 11e9
"""Bytes that a step may take on a GPU of 12 GB before blocks are recomputed instead of kept."""
_EVERY_KEY = msg("Every key is here with its value; lines that begin with → say what was seen in your data.")
FEW, MANY = 20, 500
"""Below and from these numbers of clips the presets ``few-clips`` and ``many-clips`` give better starting values."""


def new_run(
    name: str,
    folder: Path,
    model: str | None = None,
    *,
    preset: str | None = None,
    default_text: str | None = None,
    force: bool = False,
    root: Path | None = None,
    console: Console | None = None,
) -> RunFolder:
    """Write ``runs/<name>/recipe.yaml`` after looking at the data, and print what was seen and chosen.

    Args:
        name: The run's name.
        folder: The folder of audio, or a list of speech pairs.
        model: Hub id or folder of the base model; the preset's, else the default.
        preset: A preset to start from.
        default_text: Caption of clips that have none; not for speech.
        force: Replace the recipe of a run that exists.
        root: Where runs are kept.
        console: Prints what was seen and chosen, and the progress; a new one by default.

    Raises:
        TunesmithError: for a bad name, a run that exists, a folder without usable clips, an unknown preset or model,
            or one text for all clips of speech.
    """
    console = console or Console()
    run = free_place(name, root or RUNS, force=force)
    _refuse_early(model, preset, default_text)
    with console.progress(msg("look at the clips"), None) as advance:
        dataset = scan_folder(folder, default_text=default_text, progress=advance)
    if not _is_speech(model, preset):
        refuse_speech(dataset.layout, dataset.folder)
    loaded, chosen = choose(name, dataset, model, preset, default_text)
    recipe = loaded.recipe
    planned = plan_for(recipe, dataset)
    if planned is not None and too_large(planned):
        loaded, chosen = choose(name, dataset, model, preset, default_text, recompute=True)
        recipe, planned = loaded.recipe, plan_for(loaded.recipe, dataset)
    settings = validate_options(loaded) if recipe.options else _settings(recipe)
    text = commented_recipe(recipe, _header(name, dataset), notes(dataset, recipe, chosen), settings=settings)
    with writing(run, f"tunesmith new {name}", console):
        write_schema(run.path, _family_name(recipe))
        write_text(run.recipe, text)
        if planned is not None:
            planned.write(run.plan)
    guessed = recipe.data.default_text if "data.default_text" in chosen else None
    for line in summary(dataset, recipe, planned, guessed or ""):
        console.log(line)
    console.log(msg("recipe: {path} (every key with its meaning; change what you like)", path=str(run.recipe)))
    console.log(msg("next: tunesmith run {run}", run=name if root is None else str(run.path)), style="bold")
    return run


def choose(
    name: str,
    dataset: DatasetSummary,
    model: str | None,
    preset: str | None,
    default_text: str | None,
    *,
    recompute: bool = False,
) -> tuple[LoadedRecipe, dict[str, str]]:
    """A recipe that suits the data, and the reason of each choice by key.

    The data's own values lie between the preset that fits the number of clips (below) and the user's (above).
    """
    clips = len(dataset.seconds)
    intent = "few-clips" if clips < FEW else "many-clips" if clips >= MANY else None
    tree, reasons = Tree(), {}
    if intent:
        wanted = parse_tree(preset_text(intent), f"preset {intent}")
        tree = tree.merge(Tree({section: dict(values) for section, values in wanted.values.items()}))
        reasons["train"] = f"starting values for {clips} clips (preset {intent})"
    guess = not _is_speech(model, preset)  # what is said in a clip cannot be guessed
    if not guess and not layout_named(dataset.layout).speech:
        reasons["data.replay"] = "cloning alone makes the model lose its edits: name edit pairs here to keep them"
    tree = tree.merge(Tree(_from_data(dataset, default_text, reasons, guess=guess)))
    if preset:
        tree = tree.merge(parse_tree(preset_text(preset), f"preset {preset}"))
    if recompute:
        tree = tree.merge(Tree({"train": {"gradient_checkpointing": True}}))
        reasons["train.gradient_checkpointing"] = f"without it a step takes more than {COMFORTABLE / 1e9:.0f} GB"
    given: dict[str, Any] = {"name": name}
    if model:
        given["model"] = {"path": model}
    given_tree = Tree(given)
    resolve_paths(given_tree, Path.cwd())
    tree = tree.merge(given_tree)
    _fit_batch(tree, dataset, reasons)
    return build(tree), reasons


def plan_for(recipe: Recipe, dataset: DatasetSummary) -> RunPlan | None:
    """What the run will take; ``None`` when the base model's size cannot be known without downloading it."""
    found = card_for_planning(recipe)
    if found is None:
        return None
    card, local = found
    return estimate(recipe, card, dataset.total, len(dataset.seconds), longest=max(dataset.seconds), local=local)


def too_large(plan: RunPlan) -> bool:
    """Whether a GPU of the common size would be full, by the estimate."""
    return any(d.memory_bytes > COMFORTABLE for d in plan.devices if d.device == "GPU")


def notes(dataset: DatasetSummary, recipe: Recipe, reasons: dict[str, str]) -> dict[str, str]:
    """What was seen in the data, by the key that it bears on."""
    held = dataset.held_out(recipe.data.valid_share, recipe.data.valid_min)
    split = "the folder's own split" if dataset.valid else f"{held} of {len(dataset.seconds)} clips, by source track"
    seen = {
        "data.folder": f"{len(dataset.seconds)} clips from {dataset.sources} sources, {dataset.lengths()}",
        "data.layout": f"detected: {dataset.layout}",
        "data.valid_share": f"held out: {split}",
    }
    if dataset.captions:
        text, times = dataset.captions[0]
        seen["previews.prompts"] = f"{len(dataset.captions)} different captions; the most used ({times}): {text[:80]}"
    return {**seen, **reasons}


def summary(dataset: DatasetSummary, recipe: Recipe, plan: RunPlan | None, guessed: str = "") -> list[str | Message]:
    """What is printed of the new run; ``guessed`` is a caption that the user did not give."""
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
        _split(dataset, recipe),
        *(msg("note: {said}", said=note) for note in dataset.notes),
        *_unusable(dataset),
        *_guessed(dataset, guessed),
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


def _split(dataset: DatasetSummary, recipe: Recipe) -> Message:
    held = dataset.held_out(recipe.data.valid_share, recipe.data.valid_min)
    train = len(dataset.seconds) - held
    if dataset.valid:
        return msg(
            "split: {train} clips to train on, {valid} held out (the folder's own split)", train=train, valid=held
        )
    return msg("split: {train} clips to train on, {valid} held out", train=train, valid=held)


def _unusable(dataset: DatasetSummary) -> list[Message]:
    count = len(dataset.unreadable)
    if not count:
        return []
    first = dataset.unreadable[0]
    if count == 1:
        return [msg("warning: {count} cannot be used: {first}", count=count, first=first)]
    return [msg("warning: {count} cannot be used: {first} (and {more} more)", count=count, first=first, more=count - 1)]


def _guessed(dataset: DatasetSummary, text: str) -> list[Message]:
    if not text:
        return []
    return [
        msg(
            "warning: {count} clips have no caption, and the folder's name, `{text}`, stands in for one. Write "
            "captions beside the clips, or say what they sound like with --text.",
            count=dataset.uncaptioned,
            text=text,
        )
    ]


def _refuse_early(model: str | None, preset: str | None, default_text: str | None) -> None:
    """Refuse a misspelt preset or model, or a text that cannot be meant, before a large folder is read."""
    from tunesmith.families.registry import recognise

    if preset is not None:
        preset_text(preset)
    if model is not None:
        recognise(resolved_path(model, Path.cwd(), always=False))
    if default_text is not None and _is_speech(model, preset):
        raise TunesmithError(
            msg("one text for all clips cannot be what is said in each of them"),
            where="--text",
            remedy=msg("Leave it out; transcripts belong to their clips."),
        )


def _is_speech(model: str | None, preset: str | None) -> bool:
    """Whether the texts of the run's clips are what is said in them; an unknown model is refused elsewhere."""
    from tunesmith.families.registry import family_type, recognise

    wanted = parse_tree(preset_text(preset), f"preset {preset}") if preset else Tree()
    path = resolved_path(model, Path.cwd(), always=False) if model else wanted.get("model", "path")
    family = None if model else wanted.get("model", "family")
    try:
        return family_type(family or recognise(path or ModelRecipe().path)).is_speech
    except TunesmithError:
        return False


def _from_data(
    dataset: DatasetSummary, default_text: str | None, reasons: dict[str, str], *, guess: bool
) -> dict[str, Any]:
    data: dict[str, Any] = {"folder": str(dataset.folder), "layout": dataset.layout}
    longest = max(dataset.seconds)
    if longest < 30:
        data["max_seconds"] = float(max(1, math.ceil(longest)))
        data["min_crop_seconds"] = min(10.0, data["max_seconds"])
        reasons["data.max_seconds"] = f"the longest clip has {longest:.1f} s"
    if default_text is not None:
        data["default_text"] = default_text
    elif dataset.uncaptioned and guess:
        data["default_text"] = re.sub(r"[\W_]+", " ", dataset.folder.name).strip() or "music"
        reasons["data.default_text"] = (
            f"guessed from the folder's name for {dataset.uncaptioned} clips; say what they sound like instead"
        )
    return {"data": data}


def _fit_batch(tree: Tree, dataset: DatasetSummary, reasons: dict[str, str]) -> None:
    """No update should hold more clips than there are to train on."""
    so_far = build(tree).recipe
    train, data = dict(tree.get("train") or {}), so_far.data
    clips = max(1, len(dataset.seconds) - dataset.held_out(data.valid_share, data.valid_min))
    batch, accumulation = so_far.train.batch_size, so_far.train.accumulation
    if batch * accumulation > clips:
        train["batch_size"] = min(batch, clips)
        train["accumulation"] = max(1, clips // train["batch_size"])
        tree.values["train"] = train
        reasons["train.batch_size"] = f"there are {clips} clips to train on"


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

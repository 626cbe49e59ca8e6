"""A look at the clips of a new run, and the values that suit them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunesmith.data.layouts import Dataset, layout_named, read_layout, refuse_speech
from tunesmith.data.remote import is_remote, local_place
from tunesmith.errors import TunesmithError
from tunesmith.recipe.load import LoadedRecipe, build, key_names, resolve_paths, resolved_path
from tunesmith.recipe.models import ModelRecipe
from tunesmith.recipe.presets import preset_text
from tunesmith.recipe.tree import Tree, parse_tree
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.check import refuse_empty
from tunesmith.stages.remote_clips import bring
from tunesmith.stages.scan import DatasetSummary, summarised
from tunesmith.stages.survey import Examined, divided, examined, findings_of
from tunesmith.texts import msg

COMFORTABLE = 11e9
"""Bytes that a step may take on a GPU of 12 GB before blocks are recomputed instead of kept."""
FEW, MANY = 20, 500
"""Below and from these numbers of clips the presets ``few-clips`` and ``many-clips`` give better starting values."""


@dataclass(frozen=True)
class Wanted:
    """What the user asked for: the run's name and, where given, a base model, a preset, a text for all clips, keys."""

    name: str
    model: str | None
    preset: str | None
    default_text: str | None
    keys: Tree = field(default_factory=Tree)

    @property
    def is_speech(self) -> bool:
        """Whether the texts of the run's clips are what is said in them."""
        return is_speech(self.model, self.preset)


def look(wanted: Wanted, folder: Path | str, measured: RunFolder, console: Console) -> DatasetSummary:
    """Survey the clips with the settings that the recipe will have.

    Args:
        wanted: What the user asked for.
        folder: The clips; an address is text.
        measured: Takes what is measured of every file, so that nothing is measured twice.
        console: Draws the progress.

    Raises:
        TunesmithError: when none can be used.
    """
    address = str(folder) if is_remote(str(folder)) else None
    if address:
        bring(address, console)
    path = local_place(address) if address else Path(folder).expanduser().resolve()
    as_read = read_layout(path)
    if not wanted.is_speech:
        refuse_speech(as_read.name, path)
    # What is said in a clip cannot be guessed.
    guess = None if wanted.is_speech or wanted.default_text else guessed_text(path, as_read)
    data = {"folder": address or str(path), "layout": as_read.name, "default_text": wanted.default_text or guess}
    plain = Tree({"data": {key: value for key, value in data.items() if value}})
    family = RunContext(measured, build(_given(wanted, plain)).recipe, console).family
    suited = family.checks.suited_options(as_read.samples)
    first = build(_given(wanted, plain.merge(Tree(_options(suited)))))
    context = RunContext(measured, first.recipe, console)
    clips = examined(context)
    seen = replace(summary_of(context, clips, as_read), guess=guess, suited=suited)
    # What is chosen for the clips may hold out others of them; how they are examined does not depend on it.
    chosen = RunContext(measured, choose(wanted, seen)[0].recipe, Console(quiet=True))
    return replace(summary_of(chosen, clips, as_read), guess=guess, suited=suited)


def summary_of(context: RunContext, clips: Examined, as_read: Dataset) -> DatasetSummary:
    """Examined clips, split as a recipe wants it and summarised.

    Raises:
        TunesmithError: when none can be used.
    """
    found = divided(context, clips)
    refuse_empty(context, found, msg("Name the folder that holds your WAV, FLAC, MP3, OGG or Opus files."))
    return summarised(context.recipe.data.folder, as_read, found, findings_of(context, found))


def choose(wanted: Wanted, dataset: DatasetSummary, *, recompute: bool = False) -> tuple[LoadedRecipe, dict[str, str]]:
    """A recipe that suits the data, and the reason of each choice by key.

    The data's own values lie between the preset that fits the number of clips (below) and the user's (above).
    """
    clips = len(dataset.seconds)
    intent = "few-clips" if clips < FEW else "many-clips" if clips >= MANY else None
    tree, reasons = Tree(), {}
    if intent:
        values = parse_tree(preset_text(intent), f"preset {intent}").values
        tree = tree.merge(Tree({section: dict(keys) for section, keys in values.items()}))
        reasons["train"] = f"starting values for {clips} clips (preset {intent})"
    if wanted.is_speech and not layout_named(dataset.layout).speech:
        reasons["data.replay"] = "cloning alone makes the model lose its edits: name edit pairs here to keep them"
    tree = tree.merge(Tree(_from_data(wanted, dataset, reasons)))
    if recompute:
        tree = tree.merge(Tree({"train": {"gradient_checkpointing": True}}))
        reasons["train.gradient_checkpointing"] = f"without it a step takes more than {COMFORTABLE / 1e9:.0f} GB"
    tree = _given(wanted, tree)
    if not {"batch_size", "accumulation"} & set(wanted.keys.get("train") or {}):
        _fit_batch(tree, dataset, reasons)
    asked = set(key_names(wanted.keys.values))
    return build(tree), {key: why for key, why in reasons.items() if key not in asked}


def _given(wanted: Wanted, tree: Tree) -> Tree:
    """The user's own wishes on top of what was chosen for the data."""
    if wanted.preset:
        tree = tree.merge(parse_tree(preset_text(wanted.preset), f"preset {wanted.preset}"))
    given = Tree({"name": wanted.name, **({"model": {"path": wanted.model}} if wanted.model else {})}).merge(
        wanted.keys
    )
    resolve_paths(given, Path.cwd())
    return tree.merge(given)


def is_speech(model: str | None, preset: str | None) -> bool:
    """Whether the texts of the run's clips are what is said in them; an unknown model is refused elsewhere."""
    from tunesmith.families.registry import family_type, recognise

    wanted = parse_tree(preset_text(preset), f"preset {preset}") if preset else Tree()
    path = resolved_path(model, Path.cwd(), always=False) if model else wanted.get("model", "path")
    family = None if model else wanted.get("model", "family")
    try:
        return family_type(family or recognise(path or ModelRecipe().path)).is_speech
    except TunesmithError:
        return False


def guessed_text(folder: Path, as_read: Dataset) -> str | None:
    """A caption for clips that have none, from the folder's name; nothing where all have one."""
    if all(any(text.strip() for role, text in sample.texts.items() if role != "lyrics") for sample in as_read.samples):
        return None
    return re.sub(r"[\W_]+", " ", folder.name).strip() or "music"


def _from_data(wanted: Wanted, dataset: DatasetSummary, reasons: dict[str, str]) -> dict[str, Any]:
    data: dict[str, Any] = {"folder": str(dataset.folder), "layout": dataset.layout}
    longest = max(dataset.seconds)
    if longest < 30:
        data["max_seconds"] = float(max(1, math.ceil(longest)))
        data["min_crop_seconds"] = min(10.0, data["max_seconds"])
        reasons["data.max_seconds"] = f"the longest clip has {longest:.1f} s"
    if wanted.default_text is not None:
        data["default_text"] = wanted.default_text
    elif dataset.guess is not None:
        data["default_text"] = dataset.guess
        reasons["data.default_text"] = (
            f"guessed from the folder's name for {dataset.uncaptioned} clips; say what they sound like instead"
        )
    reasons.update({f"options.{name}": reason for name, (_, reason) in dataset.suited.items()})
    return {"data": data, **_options(dataset.suited)}


def _options(suited: Mapping[str, tuple[Any, str]]) -> dict[str, Any]:
    return {"options": {name: value for name, (value, _) in suited.items()}} if suited else {}


def _fit_batch(tree: Tree, dataset: DatasetSummary, reasons: dict[str, str]) -> None:
    """No update should hold more clips than there are to train on."""
    so_far, train = build(tree).recipe, dict(tree.get("train") or {})
    clips = max(1, dataset.found.train)
    batch, accumulation = so_far.train.batch_size, so_far.train.accumulation
    if batch * accumulation > clips:
        train["batch_size"] = min(batch, clips)
        train["accumulation"] = max(1, clips // train["batch_size"])
        tree.values["train"] = train
        reasons["train.batch_size"] = f"there are {clips} clips to train on"

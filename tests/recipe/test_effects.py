"""Every key of the three starting recipes changes something, or a sentence says why it does not."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.stages.test_staleness import ANYTHING
from tunesmith.cli.main import main
from tunesmith.errors import TunesmithError
from tunesmith.pocket.shipped import example_clips
from tunesmith.recipe.decided import recipe_keys, settings_of
from tunesmith.recipe.effects import NO_EFFECT, reasons_of, without_effect
from tunesmith.recipe.load import build, load, load_text, read_text
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.overrides import override
from tunesmith.recipe.tree import Tree, parse_tree
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.new import new_run
from tunesmith.stages.planned import make_plan

FAMILIES = ("musicgen", "ace_step", "step_audio")
MODELS = {"musicgen": "pocket", "ace_step": "pocket/ace_step", "step_audio": "pocket/step_audio"}
OTHERS = {
    "model.path": "pocket/other",
    "model.family": "duet",
    "model.device": "cuda",
    "model.precision": "bf16",
    "data.folder": "elsewhere",
    "data.layout": "folder",
    "generate.lyrics": "la la",
    "options.ssl_models": ["a", "b"],
    "options.edit_type": "style",
    "options.only_steps": [3],
}
NOT_PLANNED = {"model.path", "model.family", "name"}
"""Another base model is another run: nothing of this one can be asked about it."""
COMPANIONS = {"train.use_weights": ("train.ema_decay=0.9",)}
"""What a key cannot be changed without."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunFolder]:
    """The starting recipe of every family, over its example clips, checked."""
    root = tmp_path_factory.mktemp("runs")
    made = {}
    for family in FAMILIES:
        made[family] = new_run(family, example_clips(family), MODELS[family], root=root, console=Console(quiet=True))
        main(["check", str(made[family].path)])
    return made


def words_of(schema: Any) -> set[str]:
    """Every word that a key of a schema takes by name."""
    if isinstance(schema, list):
        return {word for part in schema for word in words_of(part)}
    if not isinstance(schema, dict):
        return set()
    own = [*schema.get("enum", ()), schema.get("const")]
    return {word for word in own if isinstance(word, str)} | words_of(list(schema.values()))


@cache
def words_for(path: Path) -> list[str]:
    """Every word that a recipe's keys and its family's options take by name."""
    settings = settings_of(build(deepcopy(tree_of(path))).recipe)
    return sorted(words_of(Recipe.model_json_schema()) | words_of(type(settings).model_json_schema()))


@cache
def tree_of(path: Path) -> Tree:
    """A recipe's values, read once for the hundreds of times that another value is tried."""
    return parse_tree(read_text(path), str(path))


def context_of(folder: RunFolder, *overrides: str) -> RunContext:
    loaded = build(deepcopy(tree_of(folder.recipe)), overrides)
    return RunContext(folder, loaded.recipe, Console(quiet=True), given=loaded.given)


def seen(context: RunContext) -> tuple[dict[str, object], object]:
    """All that a user can tell a run by before it is done: what its stages depend on, or why it has no plan."""
    depends = {name: stage_inputs(context, name) for name in STAGES}
    try:
        return depends, make_plan(context).to_json()
    except TunesmithError as error:
        return depends, str(error)


def changed(folder: RunFolder, name: str, value: object) -> RunContext:
    """The run with another value at one key: the first that its type takes."""
    for other in (*([OTHERS[name]] if name in OTHERS else ()), *ANYTHING, *words_for(folder.recipe), "a/b"):
        if other == value:
            continue
        try:
            return context_of(folder, override(name, other), *COMPANIONS.get(name, ()))
        except (TunesmithError, ValueError):
            continue
    raise AssertionError(f"no other value fits {name}")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_key_changes_something_or_is_said_not_to(runs, family):
    folder = runs[family]
    context = context_of(folder)
    before, silent = seen(context), []
    for key in recipe_keys(context.recipe, settings_of(context.recipe)):
        if key.name in NOT_PLANNED or without_effect(context.recipe, [key.name]):
            continue
        other = changed(folder, key.name, key.value)
        said = without_effect(other.recipe, [key.name])
        at_work = key.decides is not None and key.decides.what in ("cadence", "execution")
        if not said and not at_work and seen(other) == before:
            silent.append(key.name)
    assert not silent


def test_a_recipe_as_it_is_made_says_only_what_is_true_of_it(runs):
    """The keys that change nothing in the three starting recipes, by family: a new one of them is looked at here."""
    found = {family: {name for name, _ in reasons_of(load(runs[family].recipe).recipe)} for family in FAMILIES}
    shared = {
        "data.replay_share",
        "generate.span",
        "generate.source_prompt",
        "generate.source_lyrics",
        "model.revision",
    }
    for names in found.values():
        assert shared <= names
    assert found["musicgen"] - shared == {"options.extend_stride", "data.valid_file"}
    assert {"data.max_seconds", "options.edit_info"} <= found["step_audio"]
    assert {"options.ssl_weight", "options.strength", "options.edit_start"} <= found["ace_step"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("model: {device: cpu, precision: fp16}", "model.precision"),
        ("model: {device: cpu}", "train.compile"),
        ("data: {layout: folder}", "data.metadata_file"),
        ("data: {layout: folder}", "data.valid_file"),
        ("data: {valid_share: 0}", "data.valid_min"),
        ("data: {max_seconds: 5, min_crop_seconds: 9}", "data.min_crop_seconds"),
        ("data: {folder: x}", "data.replay_share"),
        ("train: {updates: 5}", "train.epochs"),
        ("train: {schedule: constant}", "train.min_lr_share"),
        ("train: {ema_decay: 0.9}", "train.ema_decay"),
        ("previews: {every: 0}", "previews.count"),
        ("previews: {prompts: [a]}", "previews.count"),
        ("generate: {prompts: [a]}", "generate.count"),
        ("evaluate: {prompts: [a]}", "evaluate.count"),
        ("generate: {seconds: 5}", "generate.span"),
        ("generate: {loras: [a]}", "generate.adapter_scale"),
        ("model: {path: pocket}", "model.revision"),
        ("{model: {path: pocket/step_audio}, options: {train: flow}}", "train.learning_rate"),
        ("{model: {path: pocket/step_audio}, options: {train: flow}}", "adapter.rank"),
        ("{model: {path: pocket/step_audio}, options: {train: llm}}", "options.freeze_encoder"),
        ("{model: {path: pocket/step_audio}, options: {train: llm}}", "options.llm_weight"),
        ("model: {path: pocket/step_audio}", "data.min_crop_seconds"),
    ],
)
def test_the_reason_is_said(text, key):
    (said,) = without_effect(load_text(text).recipe, [key])
    assert str(said).startswith(f"{key} has no effect on this run: ")


def test_what_has_an_effect_is_not_said_to_have_none():
    text = (
        "{model: {path: stepfun-ai/Step-Audio-EditX}, data: {replay: x}, train: {epochs: 4}, generate: {source: a.wav}}"
    )
    recipe = load_text(text).recipe
    keys = [key for rule in NO_EFFECT for key in rule.keys]
    names = {str(said).split()[0] for said in without_effect(recipe, keys)}
    assert names == {"data.max_seconds", "data.min_crop_seconds"}


def test_an_override_without_an_effect_is_said_where_it_is_given(runs, capsys):
    main(["check", str(runs["musicgen"].path), "train.schedule=constant", "train.min_lr_share=0.5", "train.seed=42"])
    out = capsys.readouterr().out
    assert "train.min_lr_share has no effect on this run: with a constant schedule nothing falls" in " ".join(
        out.split()
    )
    assert "train.seed has no effect" not in out and "data.replay_share" not in out
    main(["check", str(runs["step_audio"].path), "train.updates=24"])
    assert "the stages of training share 24 updates in the proportion of their own" in " ".join(
        capsys.readouterr().out.split()
    )

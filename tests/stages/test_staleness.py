"""What each stage depends on, gone through key by key: a change touches these stages and no others."""

from __future__ import annotations

import itertools
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages.staleness import stage_inputs

EVERY = set(STAGES)
OF_SECTION = {
    "model": {"encode"},
    "data": {"check"},
    "checks": {"check"},
    "adapter": {"train"},
    "train": {"train"},
    "previews": {"train"},
    "gates": {"train"},
    "generate": {"generate", "evaluate"},
    "evaluate": {"evaluate"},
}
OF_KEY = {
    "name": set(),
    "options": EVERY - {"report"},
    "model.path": EVERY,
    "model.revision": EVERY,
    "data.replay": {"check", "train"},  # with it, the share that is drawn of it in each epoch
    "train.seed": {"check", "train"},  # the split is drawn with it
    "generate.seed": {"generate", "evaluate", "train"},  # the base model's own style is made with it
    "evaluate.forgetting_prompts": {"evaluate", "train"},
}
"""Keys that touch other stages than the rest of their section, with the reason where it is not obvious."""
COMPANIONS = {"train.use_weights": {"train": {"ema_decay": 0.9}}}
"""Keys that may only be changed beside another one."""
ANYTHING = (True, False, 1, 2, 3, 0.25, 0.75, "x", ["x"], [0.25, 0.5], {"x": {}})


def keys() -> list[str]:
    sections = {name: value for name in Recipe.model_fields if hasattr(value := getattr(Recipe(), name), "model_dump")}
    inside = [f"{name}.{key}" for name, section in sections.items() for key in type(section).model_fields]
    return [*inside, *(name for name in Recipe.model_fields if name not in sections)]


def changed(key: str) -> dict[str, Any]:
    """A recipe that differs from the plain one, with the key's companions, in this key alone."""
    plain = COMPANIONS.get(key, {})
    section, _, name = key.rpartition(".")
    field = type(getattr(Recipe(), section)).model_fields[name] if section else Recipe.model_fields[key]
    literals = [one for part in (field.annotation, *get_args(field.annotation)) for one in get_args(part)]
    for value in itertools.chain(ANYTHING, (one for one in literals if isinstance(one, str))):
        sections = {section: {**plain.get(section, {}), name: value}} if section else {key: value}
        try:
            recipe = Recipe.model_validate(sections)
        except ValidationError:
            continue
        if recipe != Recipe.model_validate(plain):
            return sections
    raise AssertionError(f"no other value for {key}")


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # without data.folder the check stage looks where it is

    def inputs_of(sections: dict[str, Any]) -> dict[str, str]:
        context = RunContext(RunFolder(tmp_path), Recipe.model_validate(sections), Console(quiet=True))
        return {stage: repr(stage_inputs(context, stage)) for stage in STAGES}

    return inputs_of


@pytest.mark.parametrize("key", keys())
def test_a_changed_key_touches_its_stages_and_no_others(inputs, key):
    before, after = inputs(COMPANIONS.get(key, {})), inputs(changed(key))
    expected = OF_KEY[key] if key in OF_KEY else OF_SECTION[key.split(".")[0]]
    assert {stage for stage in STAGES if before[stage] != after[stage]} == expected


def test_the_share_of_replay_touches_training_where_there_is_replay(inputs):
    before, after = (inputs({"data": {"replay": "other", "replay_share": share}}) for share in (0.2, 0.4))
    assert {stage for stage in STAGES if before[stage] != after[stage]} == {"check", "train"}

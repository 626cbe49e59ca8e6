"""Whatever stands in a recipe file: it is a recipe, or an error that says in which line what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.properties import bounded
from tunesmith.errors import TunesmithError
from tunesmith.recipe.errors import RecipeError
from tunesmith.recipe.load import load, load_text
from tunesmith.recipe.models import Recipe

SECTIONS = tuple(Recipe.model_fields)
KEYS = sorted(
    {key for field in Recipe.model_fields.values() for key in getattr(field.annotation, "model_fields", {})}
    | {*SECTIONS, "preset"}
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12),
    st.sampled_from(["auto", "pocket", "careful", "pairs", "0x1", "1e-4", ".inf", "~", "2024-01-01", "~nobody"]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)
recipes = st.dictionaries(st.sampled_from([*SECTIONS, "preset"]) | st.text(max_size=6), values, max_size=4)
LINES = (
    "name: a", "model: {path: pocket}", "model:\n  path: pocket/step_audio", "data:\n  folder: clips", "train:",
    "  lr: 3", "  epochs: 2", "\tsteps: 1", "preset: careful", "preset: pocket-demo", "adapter: {rank: -1}", "&a a: *a",
    "a: &a [*a]", "? [x, y]\n: z", "<<: {train: {}}", "!!python/object:os.system x", "--- ", "...", "%YAML 9", "- 1",
    "name: |\n  x\n y", '"', "{", "]", ": ", "\x07", "train: &t {epochs: 1}", "data: *t", "options: {flow: 1}",
)  # fmt: skip
texts = st.one_of(
    st.text(max_size=120),
    st.lists(st.sampled_from(LINES), max_size=7).map("\n".join),
    recipes.map(lambda tree: yaml.safe_dump(tree, allow_unicode=True)),
)


def is_placed(error: TunesmithError, file: str) -> bool:
    """Every problem names a line of the file, or of a preset it names; that there is nothing in it has none."""
    assert isinstance(error, RecipeError)
    return all(
        re.match(rf"({re.escape(file)}|preset [\w-]+):\d+", problem.where)
        or str(problem.sentence).startswith("this recipe is empty")
        for problem in error.problems
    )


@bounded(250)
@given(texts)
def test_any_text_is_a_recipe_or_an_error_with_its_line(text: str) -> None:
    try:
        loaded = load_text(text, "some.yaml")
    except TunesmithError as error:
        assert is_placed(error, "some.yaml"), str(error)
    else:
        assert isinstance(loaded.recipe, Recipe)


@bounded(100)
@given(
    recipes,
    st.lists(st.text(max_size=20) | st.sampled_from(["train.epochs=2", "train.epochs=x", "a=", "=", "data.folder=~x"])),
)
def test_any_override_is_taken_or_refused(tree: dict[str, Any], overrides: list[str]) -> None:
    try:
        load_text(yaml.safe_dump(tree), "some.yaml", overrides)
    except TunesmithError as error:
        assert str(error)


@bounded(100)
@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-16")))
def test_any_bytes_in_a_file_are_a_recipe_or_an_error_with_the_file(tmp_path_factory: Any, content: bytes) -> None:
    path = Path(tmp_path_factory.getbasetemp()) / "bytes.yaml"
    path.write_bytes(content)
    try:
        load(path)
    except TunesmithError as error:
        assert str(path) in str(error)


def test_what_was_found_once_stays_found() -> None:
    with pytest.raises(TunesmithError, match=r"^some.yaml:1: "):
        load_text("nmae: a", "some.yaml")

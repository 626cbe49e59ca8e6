"""Every recipe that ships can be read, says what it is for, and says the truth about it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.planning.clips import PlannedClips
from tunesmith.planning.planner import estimate
from tunesmith.recipe.advice import rate_advice
from tunesmith.recipe.load import load_recipe, load_text
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.presets import preset_names, preset_summary, preset_text
from tunesmith.run.base_card import card_for_planning

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.yaml"))


SPECIAL = ("pocket-demo", "step-audio")
"""Tuned for tiny models, or after the values of another trainer."""


def test_there_are_presets_and_examples() -> None:
    assert {"small-6gb", "medium-16gb", "large-24gb", "cpu", "few-clips", "careful"} <= set(preset_names())
    assert EXAMPLES


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_parses_and_says_what_it_is_for_in_both_languages(name: str) -> None:
    load_text(f"preset: {name}")
    english, chinese = preset_summary(name)
    assert english.isascii() or "·" in english
    assert re.search(r"[\u4e00-\u9fff]", chinese)
    assert "preset:" not in preset_text(name), "presets do not start from presets"


@pytest.mark.parametrize("name", [name for name in preset_names() if not name.startswith(SPECIAL)])
def test_a_preset_has_no_value_that_is_advised_against(name: str) -> None:
    recipe = load_text(f"preset: {name}").recipe
    assert recipe.adapter.dropout == 0.0, "the bases were trained without"
    assert recipe.adapter.alpha / recipe.adapter.rank <= 2
    assert not rate_advice(recipe)


def test_a_learning_rate_that_makes_the_base_forget_is_told_of_every_network_with_an_adapter() -> None:
    def told(**sections: object) -> list[str]:
        return [str(said) for said in rate_advice(Recipe.model_validate(sections))]

    high = {"learning_rate": 3e-4}
    assert told(train={"learning_rate": 2e-4}) == []
    (said,) = told(train=high)
    assert said.startswith("train.learning_rate 0.0003: ") and "1e-4 is better" in said
    assert told(train=high, model={"path": "pocket"}) == []
    assert told(train=high, adapter={"kind": "full"}) == []
    flow = {"networks": {"flow": {"kind": "full", "learning_rate": 1e-3}, "llm": {"learning_rate": 1e-3}}}
    assert [said.split()[0] for said in told(adapter=flow)] == ["adapter.networks.llm.learning_rate"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_parses_and_its_data_is_there(path: Path) -> None:
    recipe = load_recipe(path)
    assert recipe.name == path.stem
    assert list(Path(recipe.data.folder).glob("**/*.ogg"))


@pytest.mark.parametrize("name", [name for name in preset_names() if name.endswith("gb")])
def test_a_memory_preset_fits_its_memory_and_its_header_is_the_planners_number(name: str) -> None:
    recipe = load_text(preset_text(name)).recipe
    known = card_for_planning(recipe)
    assert known is not None
    longest = min(180.0, recipe.checks.max_seconds)  # longer ones of speech are quarantined
    plan = estimate(recipe, known[0], PlannedClips((longest / 3,) * 89 + (longest,), (longest / 3,) * 10, 90))
    needs = sum(plan.devices[0].memory.values()) / 1e9
    promised = int(re.search(r"\(about (\d+) GB", preset_text(name)).group(1))
    assert abs(needs - promised) < 1.2
    # Previews of speech take little (a key-value cache of 32 kB an id) where training's activations were.
    share = 0.8 if known[0].shapes else 0.75
    assert needs < share * int(re.search(r"(\d+)gb", name).group(1)), "the rest stays free for previews"


def test_an_unknown_preset_names_the_nearest() -> None:
    with pytest.raises(TunesmithError, match="Did you mean `small-6gb`"):
        preset_text("small-6g")
    with pytest.raises(TunesmithError):
        preset_text("../models")

from __future__ import annotations

import random

import pytest

from tunesmith.families.musicgen.settings import MusicGenSettings
from tunesmith.recipe.load import load_text
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.presets import preset_names, preset_text
from tunesmith.recipe.write import commented_recipe, dump_resolved

AWKWARD = [
    *("off", "1e-4", "0x1F", "~", "null", "true", "1:30", "2020-01-01", "- a", "a: b", "# c", "  lead", "trail "),
    *("it's", '"q"', "two\nlines", "tab\there", "节拍", "😀", "[x]", "{y}", "*z", "&z", "!t", "", "%", "@", "`"),
    *("a" * 300, "\x85nel", "\u2028", "cr\rlf\r\n", "\ufeffmark", "\\n"),
]


def both(recipe: Recipe) -> tuple[Recipe, Recipe]:
    written = commented_recipe(recipe, ["head", "line # two: x"], {"train": "a\nb", "data.folder": "12 clips"})
    return load_text(written).recipe, load_text(dump_resolved(recipe)).recipe


@pytest.mark.parametrize("name", preset_names())
def test_presets_come_back_equal(name: str) -> None:
    recipe = load_text(preset_text(name)).recipe
    assert both(recipe) == (recipe, recipe)


def test_awkward_texts_and_numbers_come_back_equal() -> None:
    rng = random.Random(0)
    for _ in range(8):
        texts = rng.sample(AWKWARD, 5)
        values = {
            "name": "曲-1",
            "data": {"folder": texts[0], "default_text": texts[1], "overrule": texts[2:]},
            "train": {
                "learning_rate": 10 ** rng.uniform(-12, 3),
                "betas": [rng.random(), rng.random()],
                "max_grad_norm": 1e22,
            },
            "generate": {"prompts": AWKWARD[: rng.randrange(len(AWKWARD))]},
        }
        recipe = Recipe.model_validate(values)
        assert both(recipe) == (recipe, recipe)


def test_every_key_is_there_with_its_meaning_and_what_was_seen() -> None:
    text = commented_recipe(Recipe(), ["Made for you."], {"data.folder": "12 clips"})
    lines = text.splitlines()
    assert lines[0] == "# yaml-language-server: $schema=recipe.schema.json"
    assert lines[1] == "# Made for you."
    place = lines.index("  folder: ''")
    meaning = (
        "  # Your clips are in this folder or `.jsonl` list of speech pairs, or at this address (`s3://bucket/clips`)."
    )
    assert lines[place - 2 : place] == [meaning, "  # → 12 clips"]
    for section, field in Recipe.model_fields.items():
        keys = getattr(field.annotation, "model_fields", {})
        assert f"\n{section}:" in text
        assert all(f"\n  {key}:" in text for key in keys)
    assert max(len(line) for line in lines) <= 120


def test_a_familys_options_are_listed_with_the_recipes_values() -> None:
    recipe = load_text("options: {guidance: 4.5}").recipe
    text = commented_recipe(recipe, [], {}, settings=MusicGenSettings())
    back = load_text(text).recipe
    assert back.options["guidance"] == 4.5
    assert set(back.options) == set(MusicGenSettings.model_fields)
    assert "# Codes are sampled at this temperature" in text

from __future__ import annotations

import pytest

from tunesmith.recipe.load import load_text
from tunesmith.recipe.overrides import override, parse_overrides


@pytest.mark.parametrize(
    "prompt",
    ["a, b: c", "# not a comment", "[x]", '"quoted"', "it's", "1e-4", "off", "节拍 😀", "two\nlines\t", "\\n", "="],
)
def test_any_prompt_survives_the_command_line(prompt: str) -> None:
    recipe = load_text("name: a", overrides=[override("generate.prompts", (prompt, "second"))]).recipe
    assert recipe.generate.prompts == (prompt, "second")


def test_the_last_override_wins_and_sections_add_up() -> None:
    tree = parse_overrides(["train.seed=1", "train.updates=5", "train.seed=2"])
    assert tree.values == {"train": {"seed": 2, "updates": 5}}
    assert tree.where(("train", "seed")) == "command line"


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_overrides(["data.default_text=a=b"]).values == {"data": {"default_text": "a=b"}}

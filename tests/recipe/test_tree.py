from __future__ import annotations

import pytest

from tunesmith.recipe.errors import RecipeError
from tunesmith.recipe.tree import Tree, parse_tree, parse_value


def problems(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_tree(text, "r.yaml")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("5E+3", 5000.0),
        ("-.5", -0.5),
        ("1_000", 1000),
        ("off", "off"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2024-01-01", "2024-01-01"),
        ("true", True),
        ("~", None),
        ("", None),
        ('"1e-4"', "1e-4"),
        ("'true'", "true"),
        ("[a, 'b, c', 3]", ["a", "b, c", 3]),
        ("{a: {b: 1e3}}", {"a": {"b": 1000.0}}),
        ("节拍 😀", "节拍 😀"),
    ],
)
def test_scalars_mean_what_they_do_in_yaml_1_2(text: str, value: object) -> None:
    got = parse_value(text, "command line", "k")
    assert got == value
    assert type(got) is type(value)


def test_every_key_knows_its_line() -> None:
    tree = parse_tree("# head\ntrain:\n  seed: 1\n\n  betas:\n    - 0.9\n    - 0.95\n", "r.yaml")
    assert tree.where(("train", "seed")) == "r.yaml:3"
    assert tree.where(("train", "betas", 1)) == "r.yaml:7"
    assert tree.where(("train", "unheard")) == "r.yaml:2"
    assert tree.where(("nowhere",)) == "r.yaml"


def test_duplicate_keys_are_refused_with_both_lines() -> None:
    assert problems("a: 1\nb: 2\na: 3\n") == ["r.yaml:3: a: this key is given twice (first in line 1); keep one"]


@pytest.mark.parametrize("tag", ["!!python/object/apply:os.system ['true']", "!mine 3", "!!binary aGk=", "!!str 5"])
def test_tags_are_refused(tag: str) -> None:
    (only,) = problems(f"x: 1\na: {tag}\n")
    assert only.startswith("r.yaml:2: YAML tags (")


def test_aliases_are_refused_before_they_can_multiply() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True))
    assert problems(bomb)[0] == "r.yaml:2: aliases (`*a`) are not used in recipes"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("train:\n\tseed: 1\n", "r.yaml:2: a tab is used for indentation"),
        ("", "r.yaml: this recipe is empty"),
        ("# only a comment\n", "r.yaml: this recipe is empty"),
        ("- a\n- b\n", "r.yaml:1: a recipe is `key: value` lines"),
        ("just words\n", "r.yaml:1: a recipe is `key: value` lines"),
        ("a: 1\n---\nb: 2\n", "r.yaml:2: one recipe per file"),
        ("a: [1, 2\n", "r.yaml:2: this is not YAML"),
        ("a: b: c\n", "r.yaml:1: this line does not fit"),
        ("? [x]\n: 1\n", "r.yaml:1: a key must be plain text"),
        ("a: .inf\n", "r.yaml:1: a: must be a finite number, not `.inf`"),
        ("a: 1e999\n", "r.yaml:1: a: must be a finite number, not `1e999`"),
        ("a: " + "[" * 50, "r.yaml:1: this file is nested too deeply"),
        ("a: \x07\n", "r.yaml:1: this is not YAML (special characters are not allowed)"),
    ],
)
def test_broken_files_get_a_sentence(text: str, start: str) -> None:
    assert problems(text)[0].startswith(start)


def test_merging_goes_key_by_key_and_replaces_lists_with_their_lines() -> None:
    low = parse_tree("a: {x: 1, y: 2}\nl: [1, 2, 3]\n", "low")
    high = parse_tree("\na: {y: 3}\nl: [9]\n", "high")
    both = low.merge(high)
    assert both.values == {"a": {"x": 1, "y": 3}, "l": [9]}
    assert both.where(("a", "x")) == "low:1"
    assert both.where(("a", "y")) == "high:2"
    assert both.where(("l", 2)) == "high:3"
    assert isinstance(both, Tree)
    assert low.values["a"] == {"x": 1, "y": 2}

"""``make key-table``: the table of docs/changing_a_run.md, which says what every key of a recipe decides."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tunesmith.families.registry import family_names, family_type
from tunesmith.recipe.decided import Key, recipe_keys
from tunesmith.recipe.models import Recipe

PAGE = Path(__file__).parents[1] / "docs" / "changing_a_run.md"
BEGIN, END = "<!-- keys: written by `make key-table` -->", "<!-- end of keys -->"
ROWS = {
    "weights": "what is learnt; accepted by `--resume`",
    "fixed": "what is learnt; never accepted by `--resume`",
    "selection": "which weights become the best ones",
    "cadence": "when something is saved, shown or logged",
    "execution": "where and how fast",
    "outputs": "what is made after training",
}


def keys() -> list[Key]:
    """The keys of every family's recipe, each once."""
    sections: dict[str, Any] = {"train": {"stages": {"NAME": {}}}, "adapter": {"networks": {"NAME": {}}}}
    found: dict[str, Key] = {}
    for name in family_names():
        recipe = Recipe.model_validate({"model": {"family": name}, **sections})
        found |= {key.name: key for key in recipe_keys(recipe, family_type(name).settings())}
    return list(found.values())


def row_of(key: Key) -> str:
    """The row that a key stands in."""
    decides = key.decides
    if decides is None:
        raise ValueError(f"{key.name} does not say what it decides")
    return "fixed" if decides.what == "weights" and not decides.resumable else decides.what


def table() -> str:
    """The table in Markdown."""
    lines = ["| decides | keys |", "|---|---|"]
    for name, meaning in ROWS.items():
        names = ", ".join(f"`{key.name}`" for key in keys() if row_of(key) == name)
        lines.append(f"| {meaning} | {names} |")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """A page with the present table between its marks."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


def main() -> int:
    """Write the table into the page."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

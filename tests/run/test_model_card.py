"""What the card of an adapter says of its base."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from tunesmith.pocket.shipped import FAMILIES, pocket_path
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.run.model_card import model_card


def card_of(path: str, root: Path) -> tuple[dict, str]:
    """The front matter of a card, and all of it."""
    recipe = Recipe.model_validate({"name": "mine", "model": {"path": path}})
    context = RunContext(RunFolder(root / "mine").create(), recipe, Console(quiet=True))
    text = model_card(context, "the best adapter")
    return yaml.safe_load(text.split("---")[1]), text


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_of_a_pocket_model_has_its_licence_by_name_and_by_path(family: str, tmp_path: Path) -> None:
    copy = shutil.copytree(pocket_path(family), tmp_path / "copy", symlinks=True)
    for path in ("pocket" if family == "musicgen" else f"pocket/{family}", str(pocket_path(family)), str(copy)):
        head, text = card_of(path, tmp_path)
        assert head["license"] == "apache-2.0"
        assert "base_model" not in head  # there is no such repository on the Hub
        assert "**Licence:** Apache-2.0, that of the base weights." in text


def test_an_adapter_of_other_weights_inherits_theirs(tiny: Path, tmp_path: Path) -> None:
    head, text = card_of(str(tiny), tmp_path)
    assert head["license"] == "cc-by-nc-4.0"
    assert "do not allow commercial use" in text

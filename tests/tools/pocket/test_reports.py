"""The pages beside the shipped models are what the builders' reports make of the numbers beside them."""

from __future__ import annotations

from importlib import import_module

import pytest

from tunesmith.files import read_json
from tunesmith.pocket.shipped import FAMILIES, pocket_path


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shipped_page_is_made_of_the_shipped_numbers(family: str) -> None:
    folder = pocket_path(family)
    page = import_module(f"tools.pocket.{family}.report").markdown(read_json(folder / "numbers.json"))
    assert (folder / "NUMBERS.md").read_text(encoding="utf-8") == page

"""The pages beside the shipped models are what the builders' reports make of the numbers beside them.

What is true of one copy alone (it was not built in one go) is added by hand, as an item that says so.
"""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from tunesmith.files import read_json
from tunesmith.pocket.shipped import FAMILIES, pocket_path


@pytest.mark.parametrize("family", FAMILIES)
def test_a_shipped_page_is_made_of_the_shipped_numbers(family: str) -> None:
    folder = pocket_path(family)
    page = import_module(f"tools.pocket.{family}.numbers_page").markdown(read_json(folder / "numbers.json"))
    shipped = (folder / "NUMBERS.md").read_text(encoding="utf-8")
    assert re.sub(r"^- This copy: .*\n(  .*\n)*", "", shipped, flags=re.MULTILINE) == page

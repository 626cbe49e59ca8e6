"""What the terminal names of checks, splits and the cache has a word in every language."""

from __future__ import annotations

import pytest

from tunesmith.data.checks.catalog import CHECKS
from tunesmith.families.registry import make_family
from tunesmith.pocket.shipped import FAMILIES
from tunesmith.report.texts import TERMS
from tunesmith.stages.spoken_names import NAMES, spoken


def test_a_name_is_said_as_it_is_written_in_english() -> None:
    assert {name: str(spoken(name)) for name in NAMES} == {name: name for name in NAMES}
    assert str(spoken("of a plugin")) == "of a plugin"


def test_every_check_and_split_has_a_name() -> None:
    assert {getattr(check, "name", check.__module__.rpartition(".")[2]) for check in CHECKS} <= set(NAMES)
    assert set(TERMS["split"]) <= set(NAMES)
    assert set(TERMS["check"]) <= set(NAMES) | {"prepare"}  # which the terminal never names


@pytest.mark.parametrize("family", FAMILIES)
def test_everything_that_is_encoded_has_a_name(family: str) -> None:
    path = "pocket" if family == "musicgen" else f"pocket/{family}"
    assert {spec.name for spec in make_family(path, family, {}).encoding.fields()} <= set(NAMES)

"""What the tests of the whole family share; nothing of it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.families.step_audio.tiny_checkpoint import write_pairs, write_tiny
from tests.once import once
from tunesmith.data.sample import Sample
from tunesmith.families.contract import Family
from tunesmith.families.step_audio.family import STEP_AUDIO


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of random weights with small front ends."""
    return once(tmp_path_factory, "tiny-step-audio", write_tiny)


@pytest.fixture(scope="session")
def tiny_family(tiny_folder: Path) -> Family:
    """The family over it, with its starting options."""
    return STEP_AUDIO.open(str(tiny_folder))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Pairs of recordings with texts, as files."""
    return write_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="session")
def items(tiny_family: Family, pairs: list[Sample]) -> list[dict]:
    """The pairs, encoded."""
    names = [spec.name for spec in tiny_family.encoding.fields()]
    with tiny_family.encoding.encoder() as encoder:
        return [encoder.encode(sample, names) for sample in pairs]

"""Shared by the tests that go through command lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.songs import swift_pocket, write_songs
from tests.e2e.taught import taught_musicgen
from tests.once import once


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that knows the example clips; its folder is called ``musicgen-small``."""
    return once(tmp_path_factory, "taught", taught_musicgen) / "musicgen-small"


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pocket ACE-Step with a quicker, rougher last step from spectrogram to sound."""
    return once(tmp_path_factory, "ace-step-pocket", swift_pocket)


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight short clips with their tags, as ACE-Step's guide has them."""
    return once(tmp_path_factory, "songs", lambda folder: write_songs(folder, 8))

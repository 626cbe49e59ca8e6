"""Shared by the tests that go through command lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.songs import swift_pocket, write_songs
from tests.e2e.taught import taught_musicgen


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that knows the example clips; its folder is called ``musicgen-small``."""
    return taught_musicgen(tmp_path_factory.mktemp("taught"))


@pytest.fixture(scope="session")
def swift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pocket ACE-Step with a quicker, rougher last step from spectrogram to sound."""
    return swift_pocket(tmp_path_factory.mktemp("swift") / "ace-step-pocket")


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight short clips with their tags, as ACE-Step's guide has them."""
    return write_songs(tmp_path_factory.mktemp("songs") / "data", 8)

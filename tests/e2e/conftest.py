"""Shared by the tests that go through command lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.taught import taught_musicgen


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model that knows the example clips; its folder is called ``musicgen-small``."""
    return taught_musicgen(tmp_path_factory.mktemp("taught"))

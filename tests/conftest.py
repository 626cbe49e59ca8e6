"""Shared fixtures: one thread, tiny random models, real sounds made on the fly."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["TUNESMITH_EARS"] = os.path.join(os.path.dirname(__file__), "no_ears")  # as on a machine without any
os.environ["TUNESMITH_BASE_STYLE"] = "off"  # every test makes what it measures
os.environ.pop("TUNESMITH_LANG", None)
os.environ["TUNESMITH_LANGUAGE"] = "en"  # tests compare English sentences, whatever the machine's locale

from pathlib import Path

import pytest

from tests.once import once
from tests.tiny import tiny_musicgen

pytest_plugins = ["tests.training_runs"]


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mono random MusicGen."""
    return once(tmp_path_factory, "tiny", tiny_musicgen)


@pytest.fixture(scope="session")
def tiny_stereo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stereo random MusicGen: 8 codebooks, delays 0 0 1 1 2 2 3 3."""
    return once(tmp_path_factory, "tiny-stereo", lambda folder: tiny_musicgen(folder, channels=2, books=8))

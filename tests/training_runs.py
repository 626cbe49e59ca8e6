"""A run folder with encoded clips on a tiny random model, ready to train."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from tunesmith.data.sample import AudioRef, Sample, write_manifest
from tunesmith.recipe.models import Recipe
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.encode import encode

OFF = {"base_loss": "off", "layout": "off"}  # a random base knows nothing


def write_clips(folder: Path, count: int = 10, rate: int = 8000) -> list[Sample]:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for i in range(count):
        seconds = 0.8 + 0.15 * i
        t = np.arange(int(seconds * rate)) / rate
        audio = 0.4 * np.sin(2 * np.pi * (110 + 40 * i) * t) * (1 + np.sin(2 * np.pi * 2 * t)) / 2
        sf.write(folder / f"{i}.wav", audio + 0.02 * rng.standard_normal(len(t)), rate)
        ref = AudioRef(str(folder / f"{i}.wav"), duration=seconds)
        samples.append(
            Sample(
                f"{i}.wav",
                {"audio": ref},
                {"caption": f"trap 808 beat {i}"},
                source=str(i),
                split="valid" if i < 2 else "train",
            )
        )
    return samples


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return write_clips(tmp_path_factory.mktemp("clips"))


def make_context(tiny: Path, clips: list[Sample], root: Path, name: str = "run", **sections) -> RunContext:
    """An encoded run; keyword arguments are recipe sections."""
    recipe = Recipe.model_validate(
        {
            "name": name,
            "model": {"path": str(tiny), "device": "cpu"},
            "gates": OFF,
            "previews": {"every": 0},
            "evaluate": {"forgetting_prompts": 0},
            **sections,
        }
    )
    folder = RunFolder(root / name).create()
    write_manifest(folder.manifest, clips)
    context = RunContext(folder, recipe, Console(quiet=True, log_file=folder.log))
    encode(context)
    return context


@pytest.fixture
def make_run(tiny: Path, clips: list[Sample], tmp_path: Path) -> Callable[..., RunContext]:
    """A function that makes an encoded run; keyword arguments are recipe sections."""
    return lambda name="run", **sections: make_context(tiny, clips, tmp_path, name, **sections)


def adapter_tensors(context: RunContext, which: str = "final_model") -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return load_file(context.folder.path / which / "adapter_model.safetensors")

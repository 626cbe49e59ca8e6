"""Two gloo processes under torchrun train the adapter that one process with doubled accumulation trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.training.test_trainer import BASE
from tests.training_runs import OFF, adapter_tensors, write_clips
from tunesmith.files import write_text
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.write import dump_resolved
from tunesmith.records.metrics import TrainLine, ValidLine
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder


@pytest.fixture
def clips_folder(tmp_path: Path) -> Path:
    for sample in write_clips(tmp_path / "clips", 12):
        (tmp_path / "clips" / sample.id).with_suffix(".txt").write_text(sample.texts["caption"], encoding="utf-8")
    return tmp_path / "clips"


def launch(name: str, processes: int, tiny: Path, clips: Path, train: dict) -> RunContext:
    """Check, encode and train through the command line, in one process or several."""
    recipe = Recipe.model_validate(
        {
            "name": name,
            "model": {"path": str(tiny), "device": "cpu"},
            "data": {"folder": str(clips), "fingerprint": False},
            "checks": {"min_seconds": 0.5},
            "train": train,
            "gates": OFF,
            "previews": {"every": 0},
            "evaluate": {"forgetting_prompts": 0},
        }
    )
    folder = RunFolder(clips.parent / name).create()
    write_text(folder.recipe, dump_resolved(recipe))
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    launcher += ["--master_port", str(29500 + os.getpid() % 500)]
    command = [sys.executable, *(launcher if processes > 1 else []), "-m", "tunesmith", "train", str(folder.path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]
    return RunContext(folder, recipe, Console(quiet=True))


def test_two_processes_equal_one_with_doubled_accumulation(tiny, clips_folder):
    one = launch("one", 1, tiny, clips_folder, {**BASE, "updates": 8, "batch_size": 2, "accumulation": 2})
    two = launch("two", 2, tiny, clips_folder, {**BASE, "updates": 8, "batch_size": 2, "accumulation": 1})
    a, b = adapter_tensors(one), adapter_tensors(two)
    assert a.keys() == b.keys()
    assert all(np.allclose(a[k], b[k], atol=1e-4) for k in a)
    assert max(np.abs(v).max() for v in a.values()) > 1e-3
    held_out = [[r.loss for r in run.folder.read_metrics(ValidLine)] for run in (one, two)]
    assert np.allclose(held_out[0], held_out[1], atol=1e-4)
    assert len(held_out[0]) == 3
    lines = [list(run.folder.read_metrics(TrainLine)) for run in (one, two)]
    assert [line.tokens for line in lines[0]] == [line.tokens for line in lines[1]]
    losses = [[line.loss for line in of] for of in lines]
    assert np.allclose(losses[0], losses[1], atol=1e-4)

"""Two gloo processes under torchrun train the adapter that one process with doubled accumulation trains."""

from __future__ import annotations

import json
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
    launched(processes, "tunesmith", "train", str(folder.path))
    return RunContext(folder, recipe, Console(quiet=True))


def launched(processes: int, *words: str) -> None:
    """Run a module under torchrun's launcher."""
    launcher = ["-m", "torch.distributed.run", "--nproc_per_node", str(processes)]
    launcher += ["--master_port", str(29500 + os.getpid() % 500)]
    command = [sys.executable, *(launcher if processes > 1 else []), "-m", *words]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{root / 'src'}{os.pathsep}{root}"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]


def test_a_divided_base_trains_the_same_adapter(tiny, clips_folder, tmp_path):
    """Also where a process has fewer micro-batches than the other, whose blocks it has to help to gather."""
    settings = {**BASE, "updates": 8, "batch_size": 3, "accumulation": 2, "token_budget": 130}
    whole = launch("whole", 2, tiny, clips_folder, settings)
    divided = launch("divided", 2, tiny, clips_folder, {**settings, "shard_base": True})
    a, b = adapter_tensors(whole), adapter_tensors(divided)
    assert a.keys() == b.keys()
    assert all(np.allclose(a[k], b[k], atol=1e-4) for k in a)
    assert max(np.abs(v).max() for v in a.values()) > 1e-3

    launched(2, "tests.training.sharded_process", str(divided.folder.path), str(tmp_path))
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text(encoding="utf-8")) for rank in range(2))
    assert first["divided"] and second["divided"]
    assert first["held"] + second["held"] == first["whole"] == second["whole"] > 0
    assert max(first["held"], second["held"]) <= 0.6 * first["whole"]
    counts = [[len(update) for update in one["counted"]] for one in (first, second)]
    assert counts[0] == counts[1], "every process passes as many micro-batches"
    assert not all(counted for one in (first, second) for update in one["counted"] for counted in update)
    assert first["losses"] == second["losses"] and "valid" in first and "valid" not in second
    launched(2, "tests.training.sharded_process", str(whole.folder.path), str(whole.folder.path))
    undivided = json.loads((whole.folder.path / "0.json").read_text(encoding="utf-8"))
    assert first["codes"] == undivided["codes"] and first["codes"] and not undivided["divided"]
    measured = [line.loss for line in divided.folder.read_metrics(TrainLine)]
    assert np.allclose(first["losses"], measured[:2], atol=1e-5)


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

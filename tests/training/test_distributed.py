"""Two gloo processes under torchrun train the adapter that one process with doubled accumulation trains."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.training.conftest import adapter_tensors
from tests.training.test_run import BASE
from tunesmith.files import write_json, write_text
from tunesmith.recipe.write import dump_resolved
from tunesmith.run.context import RunContext
from tunesmith.run.pipeline import fingerprint_of


def launch(context: RunContext, processes: int) -> None:
    """Train a prepared run through the command line."""
    write_text(context.folder.recipe, dump_resolved(context.recipe))
    for stage in ("check", "encode"):
        write_json(
            context.folder.stage(stage),
            {"stage": stage, "fingerprint": fingerprint_of(context, stage), "status": "done"},
        )
    launcher = [
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        str(processes),
        "--master_port",
        str(29500 + os.getpid() % 500),
    ]
    command = [
        sys.executable,
        *(launcher if processes > 1 else []),
        "-m",
        "tunesmith",
        "train",
        str(context.folder.path),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-1000:]


def test_two_processes_equal_one_with_doubled_accumulation(make_run):
    one = make_run("one", train={**BASE, "updates": 8, "batch_size": 2, "accumulation": 2})
    two = make_run("two", train={**BASE, "updates": 8, "batch_size": 2, "accumulation": 1})
    launch(one, 1)
    launch(two, 2)
    a, b = adapter_tensors(one), adapter_tensors(two)
    assert a.keys() == b.keys()
    assert all(np.allclose(a[k], b[k], atol=1e-4) for k in a)
    assert max(np.abs(v).max() for v in a.values()) > 1e-3
    held_out = [[r["loss"] for r in run.folder.read_metrics("valid")] for run in (one, two)]
    assert np.allclose(held_out[0], held_out[1], atol=1e-4)

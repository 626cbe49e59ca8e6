"""ACE-Step's transformer at its published size on the CPU: loaded, run and trained once, in a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "ace_step_full_size.py"


@pytest.mark.slow
def test_the_transformer_runs_and_trains_within_20_gib(tmp_path):
    environment = {**os.environ, "BENCHMARK_RESULTS": str(tmp_path)}
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["parameters"] == 3_305_659_264 - 629_391_360 - 87_840_512  # without dead layers and projectors
    assert found["peak_gib"] < 20
    assert found["velocity_shape"] == [1, 8, 16, found["frames"]]
    assert found["velocity_finite"]
    assert all(math.isfinite(loss) for loss in found["losses"])
    assert len(found["losses"]) == 1

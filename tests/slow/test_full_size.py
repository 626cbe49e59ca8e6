"""musicgen-small at its real size on the CPU: two updates and one second of audio, in a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "full_size.py"


@pytest.mark.slow
def test_small_trains_and_generates_within_20_gib(tmp_path):
    environment = {**os.environ, "BENCHMARK_RESULTS": str(tmp_path)}
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["peak_gib"] < 20
    assert found["trained_part"] == pytest.approx(420e6, rel=0.005)
    assert found["parameters"] == pytest.approx(586.9e6, rel=0.005)
    assert found["adapter"] == 10_223_616
    assert all(math.isfinite(loss) for loss in found["losses"])
    assert found["losses"][0] == pytest.approx(found["random_level"], abs=0.5)
    assert found["losses"][1] < found["losses"][0]  # the same clip again, after one update on it
    assert found["sample_rate"] == 32_000
    assert found["audio_shape"] == [1, 32_000]
    assert found["audio_finite"]

"""On a CUDA device every family computes what the CPU computes: the correctness parts of ``benchmarks/gpu.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))  # its scripts import one another as they are run

from gpu_parts.cases import Place
from gpu_parts.record import CORRECTNESS, PARTS

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="There is no CUDA device here."),
]
STEPS = [(part, step.name) for part in CORRECTNESS for step in PARTS[part](Place("cuda", False, Path()))]


@pytest.mark.parametrize(("part", "name"), STEPS)
def test_the_device_computes_what_the_cpu_computes(part, name, tmp_path):
    if part == "quantised":
        pytest.importorskip("torchao" if "int8" in name else "bitsandbytes")
    steps = {step.name: step for step in PARTS[part](Place("cuda", False, tmp_path))}
    figures = steps[name].run()
    torch.cuda.empty_cache()
    assert figures["ok"], figures

"""Training goes where it went months ago: loss and gradient norm of twenty updates of every pocket family.

The limits. In fp32 a processor's own way of adding (SSE, AVX2, AVX-512) moves a loss by about 2e-6 of itself before
anything was trained, and each update adds as much again. Measured with ``ATEN_CPU_CAPABILITY``, ``ONEDNN_MAX_CPU_ISA``
and ``MKL_ENABLE_INSTRUCTIONS``, twenty updates differed by at most 8e-6 in the loss and by at most 2e-4 in the gradient
norm, a sum over small parts that cancel. The limits grow with the number of updates and stay five to ten times above
that. A learning rate that is 1 % off moves the last losses by 8e-4 to 4e-3, and has to be noticed.
"""

from __future__ import annotations

import json
import shutil

import pytest

from tests.trajectories.runs import HERE, RECIPES, UPDATES, lay_out, read
from tunesmith.cli.main import main

LOSS, GRAD_NORM = 5e-6, 1e-4
"""Relative difference allowed per update."""


def departures(expected: list[dict], found: list[dict]) -> list[str]:
    """What differs by more than the limits, in words."""
    assert [(one["update"], one["stage"]) for one in expected] == [(one["update"], one["stage"]) for one in found]
    told = []
    for before, now in zip(expected, found, strict=True):
        for name, limit in (("loss", LOSS), ("grad_norm", GRAD_NORM)):
            difference = abs(now[name] - before[name]) / abs(before[name])
            if difference > limit * (1 + before["update"]):
                told.append(f"update {before['update']}: {name} {now[name]} and not {before[name]}")
    return told


@pytest.fixture(scope="module", params=RECIPES)
def trained(request, tmp_path_factory):
    """A family, its run folder, and the trajectory that is committed."""
    folder = tmp_path_factory.mktemp(request.param)
    lay_out(folder, request.param)
    assert main(["train", str(folder)]) == 0
    committed = json.loads((HERE / f"{request.param}.json").read_text(encoding="utf-8"))["updates"]
    assert len(committed) == UPDATES
    return request.param, folder, committed


def test_a_run_of_today_goes_where_it_always_went(trained):
    _, folder, committed = trained
    assert departures(committed, read(folder)) == []


def test_a_learning_rate_that_is_one_percent_off_is_noticed(trained, tmp_path):
    family, folder, committed = trained
    other = shutil.copytree(folder, tmp_path / "other")
    rate = 3.0e-3 if family == "ace_step" else 2.0e-3
    assert f"learning_rate: {rate}" in RECIPES[family]
    assert main(["train", str(other), f"train.learning_rate={1.01 * rate}", "--no-resume"]) == 0
    told = departures(committed, read(other))
    assert any(f"update {UPDATES}: loss" in one for one in told), told

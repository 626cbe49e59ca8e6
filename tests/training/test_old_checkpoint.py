"""A run that was interrupted before parameter groups had an ``lr_scale`` goes on as it would have gone on then.

``checkpoint_with_share`` is of the pocket Step-Audio-EditX, stopped by SIGTERM after seven of ten updates in its last
stage, with one learning rate per network and averaged weights. Beside it lies the adapter that the same code made of
the same recipe without an interruption.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.trajectories.runs import lay_out
from tunesmith.cli.main import main
from tunesmith.records.metrics import EventLine, read_metric_lines

BEFORE = Path(__file__).parent / "checkpoint_with_share"


@pytest.fixture
def folder(tmp_path):
    lay_out(tmp_path, "step_audio")
    shutil.copytree(BEFORE / "checkpoints", tmp_path / "checkpoints")
    shutil.copy2(BEFORE / "recipe.yaml", tmp_path / "recipe.yaml")
    return tmp_path


def test_the_groups_of_then_are_read(folder):
    saved = torch.load(BEFORE / "checkpoints" / "step-000007" / "optimizer.pt", weights_only=True)["optimizer"]
    assert [group["share"] for group in saved["param_groups"]] == [1.0, 0.25]
    assert main(["train", str(folder)]) == 0
    events = [line for line in read_metric_lines(folder / "metrics.jsonl") if isinstance(line, EventLine)]
    assert [(event.name, event.update) for event in events] == [("resumed", 7), ("finished", 10)]
    for network in ("llm", "flow"):
        then = load_file(BEFORE / "final_model" / network / "adapter_model.safetensors")
        now = load_file(folder / "final_model" / network / "adapter_model.safetensors")
        assert then.keys() == now.keys()
        # Three updates move each number by about 1e-3, and draw their prompts from more clips than they did then.
        assert all(torch.allclose(then[name], now[name], atol=5e-3) for name in then)

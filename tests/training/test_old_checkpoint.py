"""A run that was interrupted before parameter groups had an ``lr_scale`` goes on as it would have gone on then.

``checkpoint_with_share`` is of the pocket Step-Audio-EditX, stopped by SIGTERM after seven of ten updates in its last
stage, with one learning rate per network and averaged weights. Beside it lies the adapter that the same code made of
the same recipe without an interruption.
"""

from __future__ import annotations

import json
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


def with_one_prompt_each(manifest: Path) -> None:
    """Leave a clip the one prompt that it had then; today every epoch draws one of several."""
    lines = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    assert any(line.pop("variants", None) for line in lines)
    lines = [{key: value for key, value in line.items() if key != "variants"} for line in lines]
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_the_groups_of_then_are_read(folder):
    saved = torch.load(BEFORE / "checkpoints" / "step-000007" / "optimizer.pt", weights_only=True)["optimizer"]
    assert [group["share"] for group in saved["param_groups"]] == [1.0, 0.25]
    assert main(["check", str(folder)]) == 0
    with_one_prompt_each(folder / "data" / "manifest.jsonl")
    assert main(["train", str(folder)]) == 0
    events = [line for line in read_metric_lines(folder / "metrics.jsonl") if isinstance(line, EventLine)]
    assert [(event.name, event.update) for event in events] == [("resumed", 7), ("finished", 10)]
    for network in ("llm", "flow"):
        then = load_file(BEFORE / "final_model" / network / "adapter_model.safetensors")
        now = load_file(folder / "final_model" / network / "adapter_model.safetensors")
        assert then.keys() == now.keys()
        # On the same processor they are the same to the last bit; three updates move each number by about 1e-3.
        assert all(torch.allclose(then[name], now[name], atol=2e-6, rtol=1e-5) for name in then)

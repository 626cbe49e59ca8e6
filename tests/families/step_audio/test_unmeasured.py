"""Held-out samples that teach one of the two networks nothing: its stage can neither stop the run nor be lost."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from tests.families.step_audio.test_training import TRAIN
from tests.families.step_audio.tiny_checkpoint import make_speech_run
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.records.metrics import EventLine
from tunesmith.training.loop import train_update
from tunesmith.training.probes import probe_clips
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import train

ADAPTER = {"rank": 2, "alpha": 8, "networks": {FLOW: {"kind": "full", "learning_rate": 1e-3}}}


@pytest.fixture
def context(tiny_folder, pairs, tmp_path):
    silent = [replace(s, texts={}) if s.split == "valid" else s for s in pairs]
    train = {**TRAIN, "ema_decay": 0.9, "use_weights": "ema"}
    return make_speech_run(tiny_folder, silent, tmp_path, "run", adapter=ADAPTER, train=train, options={})


def test_gates_look_at_clips_that_teach_the_first_stage(context):
    state = build_train_state(context)
    batches, base = probe_clips(state)
    assert base.terms[LLM] > 0
    assert all(batch["llm_rows"] for batch in batches)


def test_a_stage_that_cannot_be_measured_keeps_its_last_weights(context):
    summary = train(context)
    assert [stage["first_loss"] is None for stage in summary["stages"]] == [True, False, False]
    kept = load_file(context.folder.best / LLM / "adapter_model.safetensors")
    assert any(bool(tensor.any()) for name, tensor in kept.items() if "lora_B" in name)
    events = [r.name for r in context.folder.read_metrics(EventLine)]
    assert "not_measured" in events


def test_the_average_begins_anew_with_each_stage(context):
    state = build_train_state(context)
    state.progress.stage, state.progress.update, state.progress.stage_began = 1, 500, 500
    train_update(state)
    key, moved = next((k, p) for k, p in state.parameters.items() if k.network == FLOW and p.requires_grad)
    base = state.networks[FLOW].full_tuning.base[key.name]
    share = (state.ema.shadow[key] - base).norm() / (moved.detach() - base).norm()
    assert float(share) == pytest.approx(1 - 2 / 11, rel=1e-3)


def test_an_update_without_anything_to_learn_changes_nothing(tiny_folder, pairs, tmp_path):
    silent = [replace(s, texts={}) for s in pairs]
    state = build_train_state(
        make_speech_run(tiny_folder, silent, tmp_path, "none", adapter=ADAPTER, train=TRAIN, options={})
    )
    before = {name: p.detach().clone() for name, p in state.parameters.items()}
    result = train_update(state)
    assert result.stepped
    assert result.grad_norm == 0.0
    assert all(torch.equal(p, before[name]) for name, p in state.parameters.items())

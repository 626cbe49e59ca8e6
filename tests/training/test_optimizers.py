"""Optimizers: what one is built from, what it costs, and that a checkpoint of another one is refused."""

from __future__ import annotations

import pytest
import torch

from tests.training.test_trainer import BASE
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.recipe.models import TrainRecipe
from tunesmith.run.folder import STATE
from tunesmith.training.loop import train_update
from tunesmith.training.optimizers import optimizer_of
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import train


def test_the_settings_are_the_recipes(make_run):
    state = build_train_state(make_run(train={**BASE, "betas": (0.7, 0.8), "weight_decay": 0.3}))
    (group,) = state.optimizer.param_groups
    assert (group["betas"], group["weight_decay"], group["lr"]) == ((0.7, 0.8), 0.3, BASE["learning_rate"])


def test_the_plan_counts_the_bytes_that_the_optimizer_keeps(make_run):
    state = build_train_state(make_run(train=BASE))
    train_update(state)
    kept = [
        t for one in state.optimizer.state.values() for t in one.values() if isinstance(t, torch.Tensor) and t.dim()
    ]
    trained = sum(p.numel() for p in state.parameters.values())
    assert sum(t.numel() * t.element_size() for t in kept) == optimizer_of(TrainRecipe()).state_bytes * trained


def test_a_checkpoint_of_another_optimizer_is_refused(make_run):
    context = make_run(train={**BASE, "updates": 1})
    train(context)
    path = context.folder.newest_checkpoint() / STATE
    record = read_json(path)
    assert "optimizer" not in record["identity"], "AdamW's checkpoints are as they were before there was a choice"
    write_json(path, {**record, "identity": {**record["identity"], "optimizer": "lion"}})
    with pytest.raises(TunesmithError, match="another run: optimizer lion there, None here"):
        train(context)

"""How long each training stage is, and how fast it begins."""

from __future__ import annotations

import dataclasses

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import PhaseSpec
from tunesmith.recipe.models import TrainRecipe
from tunesmith.training.phases import plan_phases

SPECS = (PhaseSpec("reader", ("reader",), 2), PhaseSpec("painter", ("painter",), 1), PhaseSpec("joint", ("reader",), 1))


def planned(clips: int = 10, processes: int = 1, specs=SPECS, **recipe):
    recipe = TrainRecipe.model_validate({"batch_size": 2, "accumulation": 2, **recipe})
    return {stage.name: stage.updates for stage in plan_phases(specs, recipe, clips, processes)}


def test_stages_share_the_runs_updates():
    assert planned(updates=8) == {"reader": 4, "painter": 2, "joint": 2}
    assert sum(planned(updates=7).values()) == 7
    assert planned(epochs=4) == {"reader": 6, "painter": 3, "joint": 3}  # 4 passes of 3 updates


def test_stages_with_a_length_of_their_own_have_it():
    stages = {"reader": {"epochs": 5}, "painter": {"updates": 7}, "joint": {"epochs": 1}}
    assert planned(stages=stages) == {"reader": 15, "painter": 7, "joint": 3}
    assert planned(stages=stages, processes=2, clips=9) == {"reader": 10, "painter": 7, "joint": 2}
    assert planned(stages={"reader": {"updates": 1}}, updates=6) == {"reader": 1, "painter": 3, "joint": 3}
    assert planned(stages={"reader": {"lr_factor": 0.5}}, updates=4) == planned(updates=4)


def test_a_length_of_zero_leaves_a_stage_out():
    assert planned(stages={"painter": {"epochs": 0}}, updates=6) == {"reader": 4, "joint": 2}
    assert planned(stages={"joint": {"updates": 0}}, updates=6) == {"reader": 4, "painter": 2}


def test_a_stage_that_trains_nothing_in_this_run_is_passed_over():
    only = (PhaseSpec("reader", (), share=0), SPECS[1], PhaseSpec("joint", (), share=0))
    assert planned(specs=only, updates=5) == {"painter": 5}
    lengths = {"reader": {"epochs": 5}, "painter": {"epochs": 2}, "joint": {"epochs": 1}}
    assert planned(specs=only, stages=lengths) == {"painter": 6}
    assert planned(specs=only, stages={"painter": {"epochs": 2}}) == {"painter": 6}


def test_unknown_and_empty_stages_are_a_sentence():
    with pytest.raises(TunesmithError, match="no training stage singer") as refused:
        planned(stages={"singer": {"epochs": 1}})
    assert "reader, painter, joint" in str(refused.value) and "train.stages.singer" in str(refused.value)
    with pytest.raises(TunesmithError, match="no training stage has any updates"):
        planned(stages={name: {"updates": 0} for name in ("reader", "painter", "joint")})


def test_every_stage_has_its_own_warm_up_and_factor():
    recipe = TrainRecipe.model_validate({"warmup_updates": 30, "stages": {"joint": {"lr_factor": 0.5, "updates": 50}}})
    specs = (*SPECS[:2], dataclasses.replace(SPECS[2], lr_factor=0.1))
    reader, painter, joint = plan_phases(specs, recipe, 10)
    assert (reader.warmup.updates, painter.warmup.updates, joint.warmup.updates) == (26, 13, 5)  # a tenth each
    assert reader.warmup.cut and (reader.lr_factor, joint.lr_factor) == (1.0, 0.5)
    assert plan_phases(specs, TrainRecipe(), 10)[2].lr_factor == 0.1

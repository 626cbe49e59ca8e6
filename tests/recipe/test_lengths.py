"""Lengths on the command line count, whatever the file says."""

from __future__ import annotations

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.families.registry import make_family
from tunesmith.recipe.load import LoadedRecipe, load_text
from tunesmith.recipe.models import TrainRecipe
from tunesmith.training.phases import plan_phases

SPEECH = "name: a\nmodel: {path: pocket/step_audio}\n"
STAGES = make_family("pocket/step_audio", None, {}).networks.phases()


def loaded(*overrides: str, text: str = SPEECH) -> LoadedRecipe:
    return load_text(text, overrides=overrides)


def lengths(train: TrainRecipe, clips: int = 16) -> dict[str, int]:
    return {stage.name: stage.updates for stage in plan_phases(STAGES, train, clips)}


def test_updates_of_the_command_line_scale_the_stages_in_proportion():
    """The case of the report: `train.updates=24` ran all 220 updates of the stages without a word."""
    assert lengths(loaded().recipe.train) == {"llm": 50, "flow": 50, "joint": 10}
    assert lengths(loaded("train.updates=22").recipe.train) == {"llm": 10, "flow": 10, "joint": 2}
    assert sum(lengths(loaded("train.updates=24").recipe.train).values()) == 24
    assert lengths(loaded("train.epochs=11").recipe.train) == {"llm": 10, "flow": 10, "joint": 2}


def test_a_stage_with_a_length_on_the_command_line_keeps_it():
    train = loaded("train.updates=20", "train.stages.joint.updates=7").recipe.train
    assert lengths(train) == {"llm": 10, "flow": 10, "joint": 7}
    train = loaded("train.updates=20", "train.stages.joint.epochs=0").recipe.train
    assert lengths(train) == {"llm": 10, "flow": 10}, "a stage that is left out stays so"


def test_what_does_not_train_takes_no_share():
    (only,) = plan_phases(
        make_family("pocket/step_audio", None, {"train": "flow"}).networks.phases(),
        loaded("train.updates=24", "options.train=flow").recipe.train,
        16,
    )
    assert (only.name, only.updates) == ("flow", 24)


def test_lengths_of_two_kinds_cannot_be_scaled_and_the_file_alone_never_is():
    text = (
        SPEECH + "train: {updates: 9, stages: {llm: {epochs: 2}, flow: {epochs: 2}, joint: {updates: 4, epochs: 0}}}\n"
    )
    with pytest.raises(TunesmithError, match=r"others in epochs.*train.stages.llm.updates"):
        loaded("train.updates=3", text=text)
    assert lengths(loaded(text=text).recipe.train) == {"llm": 4, "flow": 4, "joint": 4}


def test_epochs_of_the_command_line_replace_the_updates_of_the_file():
    text = "name: a\nmodel: {path: pocket}\ntrain: {updates: 150}\n"
    assert loaded("train.epochs=3", text=text).recipe.train.updates is None
    assert loaded("train.epochs=3", "train.updates=5", text=text).recipe.train.updates == 5
    stage = "name: a\nmodel: {path: pocket/step_audio}\ntrain: {stages: {llm: {updates: 9}}}\n"
    assert lengths(loaded("train.stages.llm.epochs=1", text=stage).recipe.train)["llm"] == 2

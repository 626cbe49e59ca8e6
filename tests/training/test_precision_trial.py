"""`model.precision: auto` on a CPU with bf16: both are tried, the clearly faster one is taken, kept, and said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests.families.step_audio.tiny_checkpoint import make_speech_run, write_pairs
from tests.training.test_precision import TRAIN, stop_at
from tests.training_runs import make_context, write_clips
from tunesmith.records.environment import BaseModelFacts, Environment
from tunesmith.records.metrics import EventLine
from tunesmith.run.context import RunContext
from tunesmith.run.environment import environment
from tunesmith.training import precision, precision_trial, setup
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import train

AUTO = {"device": "cpu", "precision": "auto"}
BEFORE = Environment(versions={}, platform="", model=BaseModelFacts(path="", family=""), command="")


@pytest.fixture(autouse=True)
def has_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: True)


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float, float], list[bool]]:
    """A function that lets blocks of any size be tried, and says how long they take; it gives what was timed."""

    def set_times(fp32: float, bf16: float) -> list[bool]:
        asked: list[bool] = []

        def seconds(_block: object, _reached: object, *, half: bool, full: bool) -> float:
            asked.append(half)
            return bf16 if half else fp32

        monkeypatch.setattr(precision_trial, "FEWEST_WEIGHTS", 0)
        monkeypatch.setattr(precision_trial, "_seconds", seconds)
        return asked

    return set_times


@pytest.fixture(params=["musicgen", "ace_step", "step_audio"])
def pocket(request: pytest.FixtureRequest, tmp_path: Path) -> RunContext:
    """An encoded run of a pocket model."""
    path = Path(f"pocket/{request.param}")
    sections = {"model": {"path": str(path), **AUTO}, "train": TRAIN}
    if request.param == "step_audio":
        return make_speech_run(path, write_pairs(tmp_path), tmp_path, "run", **sections)
    return make_context(path, write_clips(tmp_path / "music", 4, 48_000), tmp_path, "run", **sections)


def test_pocket_models_are_not_tried_and_their_blocks_can_be(pocket, monkeypatch):
    state = build_train_state(pocket)
    assert state.trial is None and state.precision == "fp32"
    monkeypatch.setattr(precision_trial, "FEWEST_WEIGHTS", 0)
    base = pocket.family.networks.load()
    before = {name: [p.clone() for p in network.parameters()] for name, network in base.items()}
    trial = precision_trial.tried(pocket.family, base, pocket.recipe, state.schedule)
    assert trial is not None and trial.fp32 > 0 and trial.bf16 > 0
    for name, network in base.items():
        for a, b in zip(before[name], network.parameters(), strict=True):
            assert torch.equal(a, b) and b.grad is None


@pytest.mark.parametrize(("bf16", "taken"), [(0.1, "bf16"), (0.18, "fp32"), (5.0, "fp32")])
def test_the_clearly_faster_one_is_taken(make_run, tiny, timed, bf16, taken):
    timed(0.2, bf16)
    state = build_train_state(make_run(model={"path": str(tiny), **AUTO}, train=TRAIN))
    assert state.precision == taken
    assert state.trial is not None and (state.trial.fp32, state.trial.bf16, state.trial.taken) == (0.2, bf16, taken)


@pytest.mark.parametrize(("wanted", "has"), [("fp32", True), ("bf16", True), ("auto", False)])
def test_nothing_is_tried_where_it_is_said_or_has_no_use(make_run, tiny, timed, monkeypatch, wanted, has):
    asked = timed(0.2, 0.1)
    monkeypatch.setattr(precision, "cpu_has_bf16", lambda: has)
    state = build_train_state(make_run(model={"path": str(tiny), **AUTO, "precision": wanted}, train=TRAIN))
    assert not asked and state.trial is None


def test_it_is_said_recorded_and_kept_by_a_run_that_goes_on(make_run, tiny, timed, monkeypatch):
    timed(0.2, 0.1)
    context = make_run(model={"path": str(tiny), **AUTO}, train=TRAIN)
    BEFORE.write(context.folder.environment)
    stop_at(monkeypatch, context, 4)
    asked = timed(0.1, 0.2)
    assert train(context)["precision"] == "bf16"
    assert not asked
    said = [str(e.message) for e in context.folder.read_metrics(EventLine) if e.name == "precision"]
    assert said == ["one clip through one block takes 200 ms in fp32 and 100 ms in bf16: training computes in bf16"]
    for file in (context.folder.environment, context.folder.trained_on / "environment.json"):
        kept = Environment.read(file).precision
        assert kept is not None and (kept.fp32, kept.bf16, kept.taken) == (0.2, 0.1, "bf16")
    assert environment(context).precision == kept  # which every later command writes


def test_a_damaged_environment_is_written_anew(make_run, tiny):
    context = make_run(model={"path": str(tiny), **AUTO}, train=TRAIN)
    context.folder.environment.write_text("{", "utf-8")
    assert environment(context).precision is None


def test_the_main_process_alone_tries(make_run, tiny, timed, monkeypatch):
    asked = timed(0.2, 0.1)
    shared: list[object] = []
    monkeypatch.setattr(setup, "of_main", lambda _processes, found: shared.append(found) or found)
    build_train_state(make_run(model={"path": str(tiny), **AUTO}, train=TRAIN))
    assert asked == [False, True] and len(shared) == 1

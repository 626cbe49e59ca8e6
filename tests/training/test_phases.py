"""Training in stages: who trains when and how fast, what one stage hands on, and that a run may stop anywhere."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.families.duet import DUET
from tests.families.test_contract import pairs
from tunesmith.adapters.settings import AdapterDefaults
from tunesmith.data.sample import write_manifest
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import Adapters
from tunesmith.files import read_json
from tunesmith.recipe.models import Recipe
from tunesmith.records.metrics import EventLine, MetricLine, TrainLine, ValidLine
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STATE, RunFolder
from tunesmith.stages.encode import encode
from tunesmith.training import checkpoint, handover, loop
from tunesmith.training import trainer as training
from tunesmith.training.loop import train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.start import Start
from tunesmith.training.state import TrainState
from tunesmith.training.trainer import InterruptedRunError, train

STAGED = Adapters(
    {
        "reader": AdapterDefaults(("inner", "head"), 4, 4),
        "painter": AdapterDefaults(("inner", "head"), 4, 4, full=("inner", "head")),
    }
)
"""The painter may be trained itself."""


TRAIN = {
    "updates": 12, "batch_size": 2, "accumulation": 2, "learning_rate": 0.02, "log_every": 1, "valid_every": 2,
    "save_every": 3, "keep_checkpoints": 20, "early_stopping": 0, "schedule": "linear",
}  # fmt: skip
FULL = {"rank": 4, "dropout": 0.1, "networks": {"painter": {"kind": "full", "learning_rate": 0.005}}}
EMA = {"ema_decay": 0.8, "use_weights": "ema"}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return pairs(tmp_path_factory.mktemp("pairs"))


def maker(samples, root: Path):
    """A function that makes an encoded run of two networks, or opens one again with another recipe."""

    def make(name: str = "run", *, valid: bool = True, adapter=FULL, **train) -> RunContext:
        recipe = Recipe.model_validate(
            {
                "model": {"path": "duet:base", "device": "cpu"},
                "data": {"max_seconds": 2.0, "min_crop_seconds": 1.0},
                "adapter": adapter,
                "train": {**TRAIN, **train},
                "previews": {"every": 0},
                "evaluate": {"forgetting_prompts": 0},
            }
        )
        folder = RunFolder(root / name)
        new = not folder.manifest.exists()
        if new:
            chosen = [s for s in samples if valid or s.split == "train"]
            write_manifest(folder.create().manifest, chosen)
        context = RunContext(folder, recipe, Console(quiet=True))
        vars(context)["family"] = replace(DUET.open("duet:base"), adapters=STAGED)
        if new:
            encode(context)
        return context

    return make


@pytest.fixture
def make(samples, tmp_path: Path):
    return maker(samples, tmp_path)


@pytest.fixture(scope="module")
def whole(samples, tmp_path_factory) -> RunContext:
    """A run that nothing disturbed, with averaged weights."""
    context = maker(samples, tmp_path_factory.mktemp("whole"))(**EMA)
    train(context)
    return context


def never_better(context: RunContext) -> RunContext:
    """Training climbs instead of descending; measuring is as ever."""
    real = context.family.objective.loss

    def climbing(networks, batch, rngs):
        terms = real(networks, batch, rngs)
        return terms if rngs is None else {k: dataclasses.replace(t, sum=-t.sum) for k, t in terms.items()}

    context.family.objective.loss = climbing
    return context


def kept(context: RunContext, which: str = "final_model") -> dict[str, torch.Tensor]:
    folder = context.folder.path / which
    return {f"{p.parent.name}.{k}": v for p in sorted(folder.rglob("*.safetensors")) for k, v in load_file(p).items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def records(context: RunContext, kind: type[MetricLine]) -> list:
    return list(context.folder.read_metrics(kind))


class Broken(Exception):
    """Ends a run from within."""


def stop_after(monkeypatch, number: int, how) -> None:
    """Call ``how(state)`` when update ``number`` is done, before anything is measured or saved."""
    original = loop.train_update

    def watched(state: TrainState, *, stop: bool = False):
        result = original(state, stop=stop)
        if state.progress.update + 1 == number:
            how(state)
        return result

    monkeypatch.setattr(training, "train_update", watched)


def test_learning_rates_are_per_network_and_stage(make):
    state = build_train_state(make(warmup_updates=1, stages={"joint": {"lr_factor": 0.5}}))
    rates = []
    for _ in range(state.updates):
        train_update(state)
        rates.append({group["network"]: group["lr"] for group in state.optimizer.param_groups})
        state.progress.update += 1
        if state.stage_over and not state.last_stage:
            state.progress.stage, state.progress.stage_began = state.progress.stage + 1, state.progress.update
    assert [stage.updates for stage in state.stages] == [4, 4, 4]
    assert all(one["painter"] == pytest.approx(one["reader"] / 4) for one in rates)
    reader = np.array([one["reader"] for one in rates]).reshape(3, 4)
    assert reader[0] == pytest.approx(reader[1])  # each stage warms up and falls by itself
    assert reader[2] == pytest.approx(0.5 * reader[0])
    assert reader[0, 0] == reader[0].max() == TRAIN["learning_rate"] and reader[0, -1] < 0.5 * reader[0, 0]


def test_only_the_stages_own_network_moves_also_in_the_average(make):
    context = make(**EMA)
    state = build_train_state(context)
    for stage, network in ((0, "reader"), (1, "painter")):
        state.progress.stage, state.progress.stage_began = stage, state.progress.update
        before = {name: (p.clone(), state.ema.shadow[name].clone()) for name, p in state.parameters.items()}
        train_update(state)
        state.progress.update += 1
        for key, parameter in state.parameters.items():
            own = key.network == network
            assert own or torch.equal(parameter, before[key][0]), key
            assert own or torch.equal(state.ema.shadow[key], before[key][1]), key
    assert {key.network for key, p in state.parameters.items() if p.requires_grad} == {"painter"}


@pytest.mark.parametrize("extra", [{}, EMA])
def test_a_stage_begins_with_the_best_of_the_one_before(make, monkeypatch, extra):
    begun = {}
    original = handover.finish_phase

    def watched(state, best, *, measured):
        told = original(state, best, measured=measured)
        file = {k: v.clone() for k, v in kept(context, "best_model").items()} if best.exists() else None
        begun[state.stage.name] = (file, {str(k): p.detach().clone() for k, p in state.parameters.items()}, told)
        shadow = state.ema.shadow if state.ema is not None else {}
        assert all(torch.equal(shadow[name], p) for name, p in state.parameters.items() if shadow)
        finished = told["name"]
        mine = [p for name, p in state.parameters.items() if name.network == finished]
        assert not any(p in state.optimizer.state for p in mine)
        return told

    monkeypatch.setattr(handover, "finish_phase", watched)
    context = make(valid_every=1, **extra)
    summary = train(context)
    assert [stage["name"] for stage in summary["stages"]] == ["reader", "painter", "joint"]
    assert set(begun) == {"painter", "joint"}
    for file, parameters, told in begun.values():
        assert told["best_update"] is not None and told["best_loss"] < told["first_loss"]
        painter = {k: v for k, v in file.items() if k.startswith("painter.")}
        assert all(torch.equal(v, parameters[k]) for k, v in painter.items())
        reader = {k.replace(".default", ""): v for k, v in parameters.items() if k.startswith("reader.")}
        assert all(torch.equal(v, reader[k]) for k, v in file.items() if k.startswith("reader."))
    assert begun["painter"][0].keys() != begun["joint"][0].keys()  # before its stage nothing of the painter is kept
    begins = [r for r in records(context, ValidLine) if (r.stage, r.update) in {("painter", 4), ("joint", 8)}]
    assert len(begins) == 2 and not any(r.best for r in begins)  # measured where each begins, as what to beat
    best = kept(context, "best_model")
    assert {name.split(".")[0] for name in best} == {"reader", "painter"}


def test_a_stage_that_finds_nothing_better_goes_back_to_its_beginning(make):
    context = never_better(make(stages={"joint": {"updates": 0}}, updates=8, **EMA))
    seen = {}
    original = handover.finish_phase

    def watched(state, best, *, measured):
        told = original(state, best, measured=measured)
        seen.update({k: p.detach().clone() for k, p in state.parameters.items()})
        assert all(torch.equal(state.ema.shadow[k], p) for k, p in seen.items())
        return told

    fresh = build_train_state(context).parameters
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(handover, "finish_phase", watched)
        summary = train(context)
    assert [stage["best_update"] for stage in summary["stages"]] == [None, None]
    assert all(torch.equal(seen[name], p) for name, p in fresh.items() if name.network == "reader")
    assert any(e.name == "no_best" for e in records(context, EventLine))
    said = next(e for e in records(context, EventLine) if e.name == "stage")
    assert "nothing better than its beginning" in str(said.message)


def test_without_held_out_clips_the_last_weights_are_handed_on(make, monkeypatch):
    context, ends = make(valid=False), {}
    original = handover.finish_phase

    def watched(state, best, *, measured):
        assert not measured
        ends[state.stage.name] = {k: p.detach().clone() for k, p in state.parameters.items()}
        told = original(state, best, measured=measured)
        assert all(torch.equal(p, state.parameters[k]) for k, p in ends[told["name"]].items())
        return told

    monkeypatch.setattr(handover, "finish_phase", watched)
    summary = train(context)
    assert set(ends) == {"reader", "painter"} and summary["updates"] == 12
    assert same(kept(context, "best_model"), kept(context, "final_model"))


def test_early_stopping_ends_a_stage_and_not_the_run(make):
    context = never_better(make(early_stopping=1, valid_every=1, updates=24))
    summary = train(context)
    assert [stage["updates"] for stage in summary["stages"]] == [1, 1, 1]
    stops = [e for e in records(context, EventLine) if e.name == "early_stop"]
    assert [e.update for e in stops] == [1, 2, 3]


def test_the_kept_adapter_is_the_average(whole):
    last = whole.folder.newest_checkpoint()
    shadow = {k.replace(".default", ""): v for k, v in load_file(last / checkpoint.EMA).items()}
    final = kept(whole, "final_model")
    assert same(shadow, final)
    raw = {p.parent.name: load_file(p) for p in last.rglob("*.safetensors") if p.parent != last}
    assert any(not torch.equal(v, final[f"painter.{k}"]) for k, v in raw["painter"].items())
    assert {r.weights for r in records(whole, ValidLine)} == {"ema"}


@pytest.mark.parametrize("number", [2, 4, 8, 11])  # in the middle of stages and at their borders
def test_a_run_that_is_stopped_ends_like_one_that_was_not(make, whole, monkeypatch, number):
    broken = make("broken", **EMA)
    original = loop.train_update
    monkeypatch.setattr(
        training, "train_update", lambda state, *, stop=False: original(state, stop=state.progress.update + 1 == number)
    )
    with pytest.raises(InterruptedRunError):
        train(broken)
    assert (broken.folder.checkpoints / f"step-{number:06d}").exists()
    monkeypatch.setattr(training, "train_update", original)
    train(make("broken", **EMA))
    for which in ("final_model", "best_model"):
        assert same(kept(whole, which), kept(broken, which)), which
    for kind in (TrainLine, ValidLine):
        told = [[(r.update, r.loss, r.terms) for r in records(c, kind)] for c in (whole, broken)]
        assert told[0] == told[1], kind


@pytest.mark.parametrize("number", [6, 8])
def test_a_run_that_crashed_ends_like_one_that_did_not(make, whole, monkeypatch, number):
    broken = make("broken", **EMA)

    def crash(state):
        raise Broken

    stop_after(monkeypatch, number, crash)
    with pytest.raises(Broken):
        train(broken)
    monkeypatch.undo()
    again = make("broken", **EMA)
    train(again)
    assert any(e.name == "resumed" and e.update < number for e in records(again, EventLine))
    for which in ("final_model", "best_model"):
        assert same(kept(whole, which), kept(again, which)), which


def test_a_checkpoint_at_a_border_is_that_of_the_next_stage(whole):
    border = read_json(whole.folder.checkpoints / "step-000004" / STATE)["progress"]
    assert (border["stage"], border["stage_began"], border["best_update"]) == (1, 4, None)
    assert [one["name"] for one in border["history"]] == ["reader"] and border["first_loss"] == border["best_loss"]


def test_a_finished_run_goes_on_with_more_updates(make):
    stages = {"reader": {"updates": 2}, "painter": {"updates": 2}, "joint": {"updates": 2}}
    context = make(stages=stages, schedule="constant")
    assert train(context)["updates"] == 6
    longer = make(stages={**stages, "joint": {"updates": 5}}, schedule="constant")
    summary = train(longer)
    assert summary["updates"] == 9 and [stage["updates"] for stage in summary["stages"]] == [2, 2, 5]
    assert [r.update for r in records(longer, TrainLine)] == list(range(1, 10))


def test_other_stages_than_those_that_were_done_are_refused(make):
    stages = {"reader": {"updates": 2}, "painter": {"updates": 2}, "joint": {"updates": 2}}
    train(make(stages=stages))
    for left_out in ("joint", "reader"):
        with pytest.raises(TunesmithError, match="has done the stages reader, painter"):
            train(make(stages={**stages, left_out: {"updates": 0}}))
    assert train(make(stages={**stages, "joint": {"updates": 0}}), Start(resume=False))["updates"] == 4

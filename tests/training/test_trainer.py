"""Training as a whole: it learns, it resumes to the last bit, and how a batch is cut changes nothing."""

from __future__ import annotations

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

from tests.training_runs import adapter_tensors
from tunesmith.errors import TunesmithError
from tunesmith.records.metrics import EventLine, TrainLine, ValidLine
from tunesmith.run.console import Console
from tunesmith.training import trainer as training
from tunesmith.training.loop import train_update
from tunesmith.training.setup import build_train_state
from tunesmith.training.start import Start
from tunesmith.training.trainer import InterruptedRunError, train

BASE = {
    "updates": 12,
    "batch_size": 2,
    "accumulation": 2,
    "learning_rate": 2e-3,
    "valid_every": 4,
    "save_every": 4,
    "log_every": 1,
}


def losses(context, kind=TrainLine):
    return [line.loss for line in context.folder.read_metrics(kind)]


def test_training_lowers_train_and_held_out_loss(make_run):
    context = make_run(train={**BASE, "updates": 30, "learning_rate": 1e-2})
    summary = train(context)
    valid = losses(context, ValidLine)
    assert valid[-1] < valid[0] - 0.1
    assert np.mean(losses(context)[-5:]) < np.mean(losses(context)[:5]) - 0.1
    assert summary["best_loss"] == min(valid)
    assert context.folder.best.joinpath("adapter_config.json").exists()


@pytest.mark.parametrize("extra", [{}, {"ema_decay": 0.9, "use_weights": "ema"}])
def test_an_interrupted_run_ends_bit_for_bit_like_an_uninterrupted_one(make_run, monkeypatch, extra):
    sections = {"train": {**BASE, **extra}, "adapter": {"dropout": 0.1}}
    whole = make_run("whole", **sections)
    train(whole)
    broken = make_run("broken", **sections)
    original = training.train_update

    def interrupt_at_6(state, *, stop=False):
        if state.progress.update == 5 and not stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(state, stop=stop or state.progress.update == 5)

    monkeypatch.setattr(training, "train_update", interrupt_at_6)
    with pytest.raises(InterruptedRunError) as stopped:
        train(broken)
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    assert (broken.folder.checkpoints / "step-000006").exists()
    monkeypatch.setattr(training, "train_update", original)
    train(broken)
    for which in ("final_model", "best_model"):
        a, b = adapter_tensors(whole, which), adapter_tensors(broken, which)
        assert a.keys() == b.keys()
        assert all(np.array_equal(a[k], b[k]) for k in a)
    assert losses(whole) == losses(broken)
    assert losses(whole, ValidLine) == losses(broken, ValidLine)


def test_accumulation_1x8_follows_8x1(make_run):
    runs = []
    for name, size, accumulation in (("many", 8, 1), ("one", 1, 8)):
        context = make_run(name, train={**BASE, "updates": 6, "batch_size": size, "accumulation": accumulation})
        train(context)
        runs.append(context)
    assert np.allclose(losses(runs[0]), losses(runs[1]), atol=1e-4)
    a, b = (adapter_tensors(run) for run in runs)
    assert all(np.allclose(a[k], b[k], atol=2e-4) for k in a)


def test_a_token_budget_cuts_micro_batches_and_changes_nothing(make_run):
    a, b = make_run("a", train=BASE), make_run("b", train={**BASE, "token_budget": 100})
    train(a)
    train(b)
    assert np.allclose(losses(a), losses(b), atol=1e-4)


def test_train_loss_at_step_0_equals_held_out_style_loss_of_the_same_clips(make_run):
    context = make_run(train={**BASE, "batch_size": 8, "accumulation": 1}, options={"text_dropout": 0.0})
    state = build_train_state(context)
    from tunesmith.training.validation import fixed_batches, fixed_items, measure

    with state.measuring():
        evaluated = measure(state, fixed_batches(state.family, fixed_items(state.train), 3)).loss
    assert train_update(state).measured.loss == pytest.approx(evaluated, abs=1e-5)


def test_non_finite_updates_are_skipped_counted_and_finally_stop_the_run(make_run, monkeypatch):
    context = make_run(train={**BASE, "max_skipped": 3})
    import torch

    real = context.family.objective.loss

    def poisoned(networks, batch, rngs):
        terms = real(networks, batch, rngs)
        if rngs is None:
            return terms
        return {k: type(t)(t.sum * torch.tensor(float("nan")), t.denominator) for k, t in terms.items()}

    monkeypatch.setattr(context.family.objective, "loss", poisoned)
    with pytest.raises(TunesmithError, match="3 updates in a row"):
        train(context)
    assert [e.name for e in context.folder.read_metrics(EventLine)].count("nonfinite") == 3


def test_weights_that_are_lost_end_the_run_before_they_are_kept(make_run, monkeypatch):
    context = make_run(train={**BASE, "log_every": 1})

    def lose(state, **given):
        result = train_update(state, **given)
        next(iter(state.parameters.values())).data[0] = float("inf")
        return result

    monkeypatch.setattr("tunesmith.training.trainer.train_update", lose)
    with pytest.raises(TunesmithError, match=r"1 of \d+ trained tensors are not finite any more .*--fresh"):
        train(context)
    assert not context.folder.best.exists() and not context.folder.final.exists()
    assert not context.folder.checkpoints.exists()


def test_one_bad_update_leaves_the_weights_alone(make_run, monkeypatch):
    context = make_run(train=BASE)
    state = build_train_state(context)
    before = {k: p.detach().clone() for k, p in state.parameters.items()}
    real = state.family.objective.loss

    def poisoned(networks, batch, rngs):
        return {k: type(t)(t.sum * float("inf"), t.denominator) for k, t in real(networks, batch, rngs).items()}

    monkeypatch.setattr(state.family.objective, "loss", poisoned)
    assert not train_update(state).stepped
    assert all((before[k] == p).all() for k, p in state.parameters.items())


def test_the_average_does_not_step_on_an_update_that_is_not_finite(make_run, monkeypatch):
    state = build_train_state(make_run(train={**BASE, "ema_decay": 0.9}))
    train_update(state)  # from here on the average lies behind the weights
    before = {k: shadow.clone() for k, shadow in state.ema.shadow.items()}
    real = state.family.objective.loss

    def poisoned(networks, batch, rngs):
        return {k: type(t)(t.sum * float("nan"), t.denominator) for k, t in real(networks, batch, rngs).items()}

    monkeypatch.setattr(state.family.objective, "loss", poisoned)
    train_update(state)
    assert all(bool((before[k] == shadow).all()) for k, shadow in state.ema.shadow.items())
    monkeypatch.setattr(state.family.objective, "loss", real)
    train_update(state)
    assert not all(bool((before[k] == shadow).all()) for k, shadow in state.ema.shadow.items())


def test_a_checkpoint_of_another_run_is_refused(make_run):
    context = make_run(train=BASE)
    train(context)
    other = make_run(train={**BASE, "seed": 7})
    with pytest.raises(TunesmithError, match=r"another run: train\.seed 42 there, 7 here"):
        train(other)
    train(other, Start(resume=False))


@pytest.mark.parametrize("content", ["[]", '{"format": 99}', '{"progress": {"updat": 1}, "identity": {}}', "{"])
def test_a_damaged_checkpoint_is_refused_with_its_file(make_run, content):
    context = make_run(train={**BASE, "updates": 1})
    train(context)
    (state,) = context.folder.checkpoints.glob("step-*/state.json")
    if "progress" in content:
        content = json.dumps({**json.loads(state.read_text()), "progress": {"updat": 1}})
    state.write_text(content, encoding="utf-8")
    with pytest.raises(TunesmithError, match=r"state\.json"):
        train(make_run(train={**BASE, "updates": 2}))


def test_warm_up_longer_than_a_tenth_is_cut_and_said(make_run):
    context = make_run(train={**BASE, "updates": 20, "warmup_updates": 200})
    train(context)
    event = next(e for e in context.folder.read_metrics(EventLine) if e.name == "warmup_cut")
    assert "from 200 to 2" in str(event.message)
    rates = [r.learning_rate for r in context.folder.read_metrics(TrainLine)]
    assert max(rates) == pytest.approx(BASE["learning_rate"], rel=1e-6)
    assert rates.index(max(rates)) < 3


def test_an_adapter_worse_than_the_base_is_never_called_best(make_run):
    context = make_run(train={**BASE, "learning_rate": 300.0, "max_grad_norm": 1e6, "early_stopping": 0})
    summary = train(context)
    assert summary["best_update"] is None
    assert not any(r.best for r in context.folder.read_metrics(ValidLine))
    assert any(e.name == "no_best" for e in context.folder.read_metrics(EventLine))


def test_early_stopping(make_run):
    context = make_run(
        train={**BASE, "updates": 100, "learning_rate": 300.0, "max_grad_norm": 1e6, "early_stopping": 2}
    )
    summary = train(context)
    assert summary["updates"] == (summary["best_update"] or 0) + 8


def test_checkpoints_are_pruned_and_the_best_is_kept(make_run):
    context = make_run(train={**BASE, "updates": 20, "learning_rate": 1e-2, "keep_checkpoints": 1})
    summary = train(context)
    kept = sorted(int(p.name.split("-")[1]) for p in context.folder.checkpoints.iterdir())
    assert kept == sorted({20, summary["best_update"]})


def test_dora_and_rslora_train(make_run):
    for name, adapter in (("dora", {"kind": "dora", "rank": 4}), ("rs", {"rslora": True, "rank": 64})):
        context = make_run(name, train={**BASE, "updates": 4}, adapter=adapter)
        train(context)
        assert np.isfinite(losses(context)).all()


def test_gradients_are_clipped_by_norm_or_by_value(make_run):
    for kind in ("norm", "value"):
        state = build_train_state(make_run(kind, train={**BASE, "clip": kind, "max_grad_norm": 1e-4}))
        seen = []
        state.optimizer.step = lambda state=state, seen=seen: seen.extend(
            p.grad.flatten() for p in state.parameters.values() if p.grad is not None
        )
        result = train_update(state)
        gradient = np.concatenate([part.numpy() for part in seen])
        assert result.grad_norm > 1e-3
        if kind == "norm":
            assert np.linalg.norm(gradient) == pytest.approx(1e-4, rel=1e-3)
        else:
            assert np.abs(gradient).max() == pytest.approx(1e-4, rel=1e-5)
            assert np.linalg.norm(gradient) > 2e-4


def test_a_harmful_learning_rate_is_said_once_and_not_where_the_command_has_said_it(make_run, capsys):
    context = make_run(train={**BASE, "updates": 1})
    for advised, times in ((frozenset(), 1), (frozenset({"train.learning_rate"}), 0)):
        train(replace(context, console=Console(), advised=advised), Start(resume=False))
        said = " ".join("".join(capsys.readouterr()).split())
        assert said.count("train.learning_rate 0.002: on real checkpoints rates above 0.0002") == times


def test_a_place_for_snapshots_that_cannot_be_is_refused_before_the_first_update(make_run, tmp_path):
    (tmp_path / "file").write_text("in the way")
    context = make_run(train={**BASE, "updates": 2, "snapshots": str(tmp_path / "file" / "saves")})
    with pytest.raises(TunesmithError, match="part of this path is a file"):
        train(context)
    assert not context.folder.best.exists() and not context.folder.checkpoints.exists()

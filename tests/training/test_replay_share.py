"""Training with a share of replay clips: their share of every epoch, resuming, and what decides the best."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from tests.training_runs import adapter_tensors, make_context
from tunesmith.data.replay import is_replay
from tunesmith.errors import TunesmithError
from tunesmith.records.metrics import TrainLine, ValidLine
from tunesmith.training import checkpoint
from tunesmith.training import trainer as training
from tunesmith.training.held_out import kind_batches
from tunesmith.training.setup import build_train_state
from tunesmith.training.trainer import InterruptedRunError, train

BASE = {"batch_size": 2, "accumulation": 2, "learning_rate": 2e-3, "valid_every": 3, "save_every": 3, "log_every": 1}


def as_replay(sample, split, kind=None):
    edit = {"edit_type": kind} if kind else {}
    return replace(sample, id=f"replay/{sample.id}", split=split, attributes={"replay": True, **edit})


@pytest.fixture(scope="module")
def mixed(clips):
    """Six clips of the user's own to train on, one held out; two replay clips to train on, one held out."""
    own = [clips[0], *clips[2:8]]
    return [*own, as_replay(clips[1], "valid"), as_replay(clips[8], "train"), as_replay(clips[9], "train")]


@pytest.fixture
def make(tiny, mixed, tmp_path):
    """A run over the mixed clips (or others), with a share of replay."""

    def made(name, share=0.25, samples=mixed, data=None, **more):
        named = {"replay": "elsewhere", "replay_share": share, **(data or {})}
        return make_context(tiny, samples, tmp_path, name, data=named, **{"train": {**BASE, "updates": 6}, **more})

    return made


def drawn(state, epoch):
    """Ids of the clips of one epoch, over its updates."""
    plan, _ = state.schedule.epoch(epoch)
    return Counter(state.train.ids[i] for update in plan.updates for i in update)


def test_every_epoch_has_all_own_clips_and_the_share_of_replay(make, mixed):
    state = build_train_state(make("a", train={**BASE, "epochs": 5}))
    own = {s.id for s in mixed if s.split == "train" and not is_replay(s)}
    assert state.schedule.clips_per_epoch == 8 and state.schedule.per_epoch == 2 and state.updates == 10
    assert state.stages[0].updates == 10, "epochs count replay clips too"
    for epoch in range(4):
        assert drawn(state, epoch) == Counter([*own, "replay/8.wav", "replay/9.wav"])
    less = build_train_state(make("b", 0.15))
    each = [frozenset(drawn(less, epoch)) - own for epoch in range(6)]
    assert all(len(names) == 1 for names in each) and len(set(each)) == 2
    more = build_train_state(make("c", 0.4))  # four of two clips: each twice, with a crop and noise of its own
    assert drawn(more, 0) == Counter([*own, *(f"replay/{n}.wav{again}" for n in (8, 9) for again in ("", "#2"))])
    _, rngs = more.schedule.epoch(0)
    assert len({draw.seed_of("noise") for draw in rngs}) == len(more.train)


def test_how_the_batch_is_cut_changes_no_draw(make):
    one, other = (build_train_state(make(n, train={**BASE, **cut, "updates": 4})) for n, cut in enumerate_cuts())
    assert [one.schedule.items(n)[0] for n in range(8)] == [other.schedule.items(n)[0] for n in range(8)]


def enumerate_cuts():
    yield "many", {"batch_size": 4, "accumulation": 1}
    yield "one", {"batch_size": 1, "accumulation": 4}


def test_a_share_of_nothing_trains_bit_for_bit_as_without_replay(make, mixed):
    own = [sample for sample in mixed if not is_replay(sample)]
    idle, without = make("idle", 0.0), make("without", samples=own, data={"replay": "", "replay_share": 0.2})
    for context in (idle, without):
        train(context)
    a, b = adapter_tensors(idle), adapter_tensors(without)
    assert all(np.array_equal(a[name], b[name]) for name in a)
    for kind in (TrainLine, ValidLine):
        assert [r.loss for r in idle.folder.read_metrics(kind)] == [r.loss for r in without.folder.read_metrics(kind)]
    assert "kinds" not in without.folder.metrics.read_text(encoding="utf-8")
    assert all(set(record.kinds) == {"own", "replay"} for record in idle.folder.read_metrics(ValidLine))


def test_an_interrupted_run_with_replay_goes_on_bit_for_bit(make, monkeypatch):
    whole, broken = make("whole", 0.15), make("broken", 0.15)
    train(whole)
    original = training.train_update

    def interrupted(state, *, stop=False):
        if state.progress.update == 3 and not stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(state, stop=stop or state.progress.update == 3)

    monkeypatch.setattr(training, "train_update", interrupted)
    with pytest.raises(InterruptedRunError):
        train(broken)
    monkeypatch.setattr(training, "train_update", original)
    train(broken)
    a, b = adapter_tensors(whole), adapter_tensors(broken)
    assert all(np.array_equal(a[name], b[name]) for name in a)


def test_own_held_out_clips_decide_and_replays_are_measured_beside_them(make, mixed):
    context = make("run", train={**BASE, "updates": 9, "learning_rate": 1e-2})
    summary = train(context)
    records = list(context.folder.read_metrics(ValidLine))
    assert all(record.loss == record.kinds["own"] for record in records)
    assert len({record.kinds["replay"] for record in records}) == len(records), "the weights change"
    assert summary["best_loss"] == min(record.loss for record in records)
    log = context.folder.log.read_text(encoding="utf-8")
    assert "replay: every pass has 6 clips of your own and 2 replay clips (25%)" in log
    card = (context.folder.final / "README.md").read_text(encoding="utf-8")
    assert "6 training clips and 1 held-out clips" in card and "2 replay clips, 25% of every pass" in card


def test_kinds_are_edit_types_where_there_are_several(make, clips, mixed):
    typed = [*mixed[:7], as_replay(clips[1], "valid", "vad"), *mixed[8:]]
    state = build_train_state(make("typed", samples=[*typed, as_replay(clips[2], "valid")]))
    own = [{"own": True}]
    kinds = kind_batches(state, own)
    assert set(kinds) == {"clone", "vad"} and kinds["clone"] is not own, "a replay clip is cloned, too"
    only = build_train_state(make("only", samples=typed))
    assert kind_batches(only, own)["clone"] is own, "they need not be measured twice"


def test_a_checkpoint_of_another_share_is_refused(make):
    context = make("run", 0.15)
    train(context)
    state = build_train_state(make("run", 0.25))
    with pytest.raises(TunesmithError, match=r"clips 8 .*1 of replay per pass there, .*2 of replay per pass here"):
        checkpoint.load(state, context.folder.newest_checkpoint())

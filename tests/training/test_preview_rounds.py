"""Previews keep to their schedule and to a share of the training time, and an interruption changes neither."""

from __future__ import annotations

import os
import signal

import pytest

from tests.training.test_preview_veto import HEARD, silent_at
from tests.training.test_trainer import BASE
from tunesmith.recipe.models import PreviewRecipe
from tunesmith.records.metrics import EventLine, PreviewLine
from tunesmith.records.preview_rounds import PreviewRounds
from tunesmith.run.folder import RunFolder
from tunesmith.training import preview_rounds
from tunesmith.training import trainer as training
from tunesmith.training.preview_rounds import Rounds
from tunesmith.training.trainer import InterruptedRunError, train


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(preview_rounds, "time", made)
    return made


def course(folder: RunFolder, clock: Clock, recipe: PreviewRecipe, updates: range, resume_at: int | None = None):
    """A run of 1 s per update whose previews of two prompts take 3 s each: how many prompts every round had."""
    rounds, made = Rounds(folder, recipe, 2, resume_at), {}

    def hear(update: int, prompts: int) -> None:
        with rounds.timed(prompts):
            clock.now += 3.0 * prompts
        rounds.write(update, prompts)
        made[update] = prompts

    if resume_at is None:
        hear(0, 2)
    rounds.begin()
    for update in updates:
        clock.now += 1.0
        if update % recipe.every == 0 or update == updates[-1]:
            hear(update, rounds.prompts_at(update, at_end=update == updates[-1]))
    return rounds, made


def test_rounds_are_left_out_until_they_fit_their_share(tmp_path, clock):
    recipe = PreviewRecipe(every=10, max_share=0.2)
    rounds, made = course(RunFolder(tmp_path), clock, recipe, range(1, 101))
    assert made == {0: 2, **dict.fromkeys(range(10, 60, 10), 0), 60: 2, 70: 0, 80: 0, 90: 2, 100: 1}
    assert rounds.trained == 100 and rounds.spent == 21
    written = PreviewRounds.read(RunFolder(tmp_path).preview_rounds).rounds
    assert {one.update: one.prompts for one in written} == made
    assert (written[-1].seconds, written[-1].trained) == (21, 100)


def test_updates_that_are_done_again_have_the_same_rounds_again(tmp_path, clock):
    recipe = PreviewRecipe(every=10, max_share=0.2)
    _, made = course(RunFolder(tmp_path), clock, recipe, range(1, 101))
    clock.now = 5000.0  # another machine, where it is another time
    _, again = course(RunFolder(tmp_path), clock, recipe, range(56, 101), resume_at=55)
    assert again == {update: prompts for update, prompts in made.items() if update > 55}
    other = PreviewRecipe(every=10, max_share=1000.0)
    assert course(RunFolder(tmp_path), clock, other, range(56, 101), resume_at=55)[1][70] == 2, (
        "another limit was asked"
    )


def test_a_round_that_has_no_room_is_left_out_and_said(make_run, monkeypatch):
    context = make_run(train={**BASE, "learning_rate": 1e-2}, previews={**HEARD, "every": 2, "max_share": 0.0})
    heard = silent_at(monkeypatch, lambda update: False)
    summary = train(context)
    assert heard == [0, 12] and summary["best_update"] == 12
    said = [line for line in context.folder.read_metrics(EventLine) if line.name == "previews_thinned"]
    assert [line.update for line in said] == [2, 4, 6, 8, 10]
    assert "previews: 0 of 1 prompts this time" in str(said[0].message) and "max_share: 0)" in str(said[0].message)


def test_an_interruption_while_weights_wait_changes_nothing(make_run, monkeypatch):
    sections = {"train": {**BASE, "learning_rate": 1e-2}, "previews": {**HEARD, "every": 100}}
    whole, broken = make_run("whole", **sections), make_run("broken", **sections)
    silent_at(monkeypatch, lambda update: update >= 8)
    expected = train(whole)
    original = training.train_update

    def interrupt_at_10(state, *, stop=False):
        if state.progress.update == 9 and not stop:
            os.kill(os.getpid(), signal.SIGTERM)
        return original(state, stop=stop or state.progress.update == 9)

    with monkeypatch.context() as patched:
        patched.setattr(training, "train_update", interrupt_at_10)
        with pytest.raises(InterruptedRunError):
            train(broken)
    assert [path.name for path in broken.folder.candidates()] == ["candidate-000004", "candidate-000008"]
    summary = train(broken)
    assert {**summary, "seconds": 0} == {**expected, "seconds": 0} and expected["best_update"] == 4
    for name in ("best_model", "final_model"):
        first, second = (run.folder.path / name / "adapter_model.safetensors" for run in (whole, broken))
        assert first.read_bytes() == second.read_bytes()
    assert [line.update for line in broken.folder.read_metrics(PreviewLine)] == [0, 12]

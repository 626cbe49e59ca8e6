"""An adapter whose previews are no sound is not called best, however low its held-out loss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.test_trainer import BASE
from tunesmith.adapters.files import WEIGHTS
from tunesmith.evaluation.evidence import kept_loss
from tunesmith.records.metrics import EventLine, PreviewLine, ValidLine
from tunesmith.records.stage_state import TrainSummary
from tunesmith.training import previews
from tunesmith.training.trainer import train

HEARD = {"every": 4, "count": 1, "seconds": 0.5, "prompts": ["trap 808 beat"], "max_share": 1000.0}
SELDOM = {**HEARD, "every": 100}


def silent_at(monkeypatch, is_silent) -> list[int]:
    """Previews are really made; what is wrong with them is decided here. The updates that were heard are returned."""
    made, heard = previews.make_previews, []

    def judged(family, networks, requests, folder, update, device):
        heard.append(update)
        problem = "silence" if is_silent(update) else None
        return [replace(one, problem=problem) for one in made(family, networks, requests, folder, update, device)]

    monkeypatch.setattr(previews, "make_previews", judged)
    return heard


def vetoed(context) -> list[int]:
    return [line.about for line in context.folder.read_metrics(EventLine) if line.name == "vetoed"]


@pytest.fixture
def trained(make_run, monkeypatch):
    """A function that trains for 12 updates, measured every 4, and tells the summary and the updates heard."""

    def run(is_silent, heard=HEARD):
        context = make_run(train={**BASE, "learning_rate": 1e-2}, previews=heard)
        updates = silent_at(monkeypatch, is_silent)
        return context, train(context), updates

    return run


def test_without_an_objection_the_loss_alone_decides(trained):
    context, summary, heard = trained(lambda update: False)
    assert summary["best_update"] == 12 and not vetoed(context)
    assert heard == [0, 4, 8, 12], "a round that is due judges the weights of its own update"


def test_previews_that_fell_silent_veto_the_update_that_they_are_of(trained):
    context, summary, _ = trained(lambda update: update >= 8)
    assert vetoed(context) == [8, 12] and summary["best_update"] == 4


def test_where_previews_refuse_all_the_reason_and_the_loss_of_the_last_are_known(trained):
    """It was said that nothing was better than the base, and a later change of strength had nothing to stand on."""
    context, summary, _ = trained(lambda update: update > 0)
    assert vetoed(context) == [4, 8, 12] and summary["best_update"] is None
    (said,) = [str(line.message) for line in context.folder.read_metrics(EventLine) if line.name == "no_best"]
    assert "refused for what its previews sound like" in said
    losses = {line.update: line.loss for line in context.folder.read_metrics(ValidLine)}
    assert losses[12] < losses[0] and kept_loss(TrainSummary.model_validate(summary), context.folder) == losses[12]


def test_what_the_base_model_does_by_itself_is_no_objection(trained):
    context, summary, _ = trained(lambda update: True)
    assert summary["best_update"] == 12 and not vetoed(context)


def test_better_weights_between_rounds_make_none_of_their_own(trained):
    """The whole point: 346 of 380 s of a speech run went into previews at every improvement."""
    context, summary, heard = trained(lambda update: False, SELDOM)
    assert heard == [0, 12] and summary["best_update"] == 12
    assert [line.update for line in context.folder.read_metrics(PreviewLine)] == [0, 12]


def test_weights_that_wait_are_judged_at_the_end_and_the_first_ones_after_a_veto(trained):
    context, summary, heard = trained(lambda update: update >= 8, SELDOM)
    assert heard == [0, 12, 4] and vetoed(context) == [12]
    assert summary["best_update"] == 4 and summary["best_loss"] < 10
    kept, final = (path / WEIGHTS for path in (context.folder.best, context.folder.final))
    assert kept.read_bytes() != final.read_bytes()
    assert "at update 4" in (context.folder.best / "README.md").read_text()
    assert [line.update for line in context.folder.read_metrics(PreviewLine)] == [0, 12], "it is not listened to again"


def test_judging_weights_of_before_leaves_the_present_ones_as_they_are(make_run, monkeypatch):
    final = []
    for name, silent in (("sound", lambda update: False), ("silent", lambda update: update == 12)):
        context = make_run(name, train={**BASE, "learning_rate": 1e-2}, previews=SELDOM)
        with monkeypatch.context() as patched:
            silent_at(patched, silent)
            train(context)
        final.append((context.folder.final / WEIGHTS).read_bytes())
    assert final[0] == final[1]

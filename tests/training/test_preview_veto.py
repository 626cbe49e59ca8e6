"""An adapter whose previews are no sound is not called best, however low its held-out loss."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.training.test_trainer import BASE
from tunesmith.records.metrics import ValidLine
from tunesmith.training import previews
from tunesmith.training.trainer import train

HEARD = {"every": 100, "count": 1, "seconds": 0.5, "prompts": ["trap 808 beat"]}


def silent_at(monkeypatch, is_silent) -> None:
    """Previews are really made; what is wrong with them is decided here."""
    made = previews.make_previews

    def judged(family, networks, requests, folder, update, device):
        problem = "silence" if is_silent(update) else None
        return [replace(one, problem=problem) for one in made(family, networks, requests, folder, update, device)]

    monkeypatch.setattr(previews, "make_previews", judged)


def best_updates(context) -> list[int]:
    return [line.update for line in context.folder.read_metrics(ValidLine) if line.best]


@pytest.fixture
def context(make_run):
    return make_run(train={**BASE, "learning_rate": 1e-2}, previews=HEARD)


def test_without_an_objection_the_loss_alone_decides(context, monkeypatch):
    silent_at(monkeypatch, lambda update: False)
    summary = train(context)
    assert best_updates(context) == [4, 8, 12] and summary["best_update"] == 12


def test_previews_that_fell_silent_veto_the_update_that_they_are_of(context, monkeypatch):
    silent_at(monkeypatch, lambda update: update >= 8)
    summary = train(context)
    assert best_updates(context) == [4] and summary["best_update"] == 4


def test_what_the_base_model_does_by_itself_is_no_objection(context, monkeypatch):
    silent_at(monkeypatch, lambda update: True)
    train(context)
    assert best_updates(context) == [4, 8, 12]

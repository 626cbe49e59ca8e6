"""A run is compared with the free space before it writes anything."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.stages.test_results import Make, make, tensors, trained  # noqa: F401 - fixtures
from tunesmith.errors import TunesmithError
from tunesmith.stages import space
from tunesmith.stages.dry_run import print_plan
from tunesmith.stages.pipeline import run_stages
from tunesmith.stages.planned import make_plan


def free(monkeypatch: pytest.MonkeyPatch, amount: float) -> None:
    monkeypatch.setattr(space.shutil, "disk_usage", lambda path: SimpleNamespace(free=amount))


def test_training_is_refused_where_no_checkpoint_fits(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    context = make()
    before = tensors(context)
    least = make_plan(context).adapter_parameters * space.ONE_CHECKPOINT
    free(monkeypatch, least - 1)
    with pytest.raises(TunesmithError, match="the disk is too full to train: one checkpoint"):
        run_stages(context, ["train"], asked="fresh")
    assert tensors(context) == before
    free(monkeypatch, least)
    run_stages(context, ["train"], asked="fresh")
    assert "are still to be written" in context.folder.log.read_text(encoding="utf-8")


def test_the_plan_says_what_does_not_fit(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    context = make()
    print_plan(context)
    assert "are still to be written" not in context.folder.log.read_text(encoding="utf-8")
    free(monkeypatch, 1000.0)
    print_plan(context)
    assert "0 MB are free at" in context.folder.log.read_text(encoding="utf-8")

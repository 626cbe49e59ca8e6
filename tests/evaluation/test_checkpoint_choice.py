"""Why training kept an update: the evidence, clip by clip, from the lines that training wrote."""

from __future__ import annotations

import pytest

from tests.report.page import Page
from tests.stages.test_results import make, trained  # noqa: F401 - fixtures
from tunesmith.evaluation.checkpoint_choice import StageChoice, stage_choice
from tunesmith.evaluation.judge import Contender, judge
from tunesmith.records.metrics import EventLine, MetricLine, ValidLine
from tunesmith.report.build import build_report
from tunesmith.texts import msg


def line(update: int, loss: float, clips: int = 6, best: bool = False, stage: str = "train") -> ValidLine:
    each = {f"{i}.wav": loss + i + 0.01 * (-1) ** (i + update) for i in range(clips)}
    return ValidLine(update=update, loss=loss, clips=each, best=best, stage=stage)


def choice(*lines: MetricLine, kept: int = 40) -> StageChoice:
    found = stage_choice(lines, "train", kept)
    assert found is not None
    return found


def test_every_update_is_held_against_the_kept_one():
    found = choice(
        line(0, 4.0),
        line(20, 3.2),
        line(30, 2.9),
        line(35, 2.95),
        line(40, 3.0),
        line(50, 3.005),
        line(60, float("nan")),
        line(20, 1.0, stage="flow"),
        EventLine(update=40, name="vetoed", message=msg("no"), about=30),
    )
    standing = {one.line.update: one.standing for one in found.measured}
    assert standing == {0: "worse", 20: "worse", 30: "vetoed", 35: "lower", 40: "kept", 50: "open", 60: "lost"}
    against = {one.line.update: one.against for one in found.measured}
    assert against[40] is None and against[20] is not None
    assert (against[20].estimate, against[20].n) == (pytest.approx(0.2), 6)
    assert "It cannot be told from that of these updates: 35, 50 (6 clips" in str(found.sentence)


def test_what_is_clearly_lowest_is_said_with_the_nearest_and_its_interval():
    found = choice(line(0, 4.0), line(20, 3.2), line(40, 3.0))
    assert "clearly lower" in str(found.sentence)
    assert "The nearest, 20, has 3.200 (-0.200 to -0.200 over 6 clips" in str(found.sentence)


def test_few_clips_tell_nothing_and_nothing_kept_is_no_choice():
    found = choice(line(0, 4.0, clips=3), line(40, 1.0, clips=3))
    assert "cannot be told from 3 clips; 5 are the fewest" in str(found.sentence)
    assert [one.standing for one in found.measured] == ["few", "kept"]
    assert "not measured one by one" in str(choice(line(0, 4.0, clips=0), line(40, 1.0, clips=0)).sentence)
    assert stage_choice([line(0, 4.0)], "train", None) is None
    assert stage_choice([line(0, 4.0)], "train", 40) is None


def test_the_judge_puts_sound_before_loss_and_earlier_before_equal():
    broken = Contender("broken", 1.0, faults=(msg("Silent"),))
    ruling = judge([Contender("b", 2.0), Contender("a", 2.0), broken, Contender("c", float("inf"))])
    assert [one.name for one in ruling.ordered] == ["b", "a", "c", "broken"]
    assert ruling.first is not None and ruling.first.name == "b"
    assert [one.name for one in ruling.rivals] == ["a", "c"]
    assert judge([broken]).first is None and judge([Contender("c", float("inf"))]).first is None


def test_training_measures_its_clips_alone_and_the_report_shows_the_choice(make):  # noqa: F811
    context = make()
    lines = list(context.folder.read_metrics(ValidLine))
    assert len(lines) > 1
    for one in lines:
        assert len(one.clips) == 2 and all(loss is not None for loss in one.clips.values())
        assert min(one.clips.values()) - 1e-6 <= one.loss <= max(one.clips.values()) + 1e-6
    best = context.folder.stage_state("train").training().best_update
    page = Page(build_report(context.folder))
    assert best and not page.errors and f"The weights of update {best} are kept" in page.text("en")

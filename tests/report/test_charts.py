from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.report import fake_run
from tests.report.fake_metrics import train_line, valid_line
from tunesmith.report.charts import best_update, charts, series
from tunesmith.report.gather import ReportData, gather
from tunesmith.report.run_metrics import RunMetrics
from tunesmith.run.folder import RunFolder


def report_data(train=(), valid=(), random=None) -> ReportData:
    found = ReportData(RunFolder(Path("x")), "x", metrics=RunMetrics(train=tuple(train), valid=tuple(valid)))
    if random is None:
        return found
    losses = fake_run.losses().model_copy(update={"random": random})
    return replace(found, comparison=fake_run.record([], losses=losses))


TRAIN = [train_line(u, 4 - u / 100) for u in range(10, 101, 10)]
VALID = [
    valid_line(u, v, terms={"codebook_0": v, "codebook_10": 1.0, "codebook_2": 2.0}, forgetting=3.0, best=u <= 50)
    for u, v in ((0, 4.0), (50, 3.2), (100, 3.4))
]


def test_every_chart_is_made_from_its_numbers():
    made = charts(report_data(TRAIN, VALID, random=4.2))
    assert [chart.key for chart in made] == ["loss", "codebooks", "rate", "forgetting"]
    assert str(made[0].note) == "Dashed: a uniform guess."
    assert ">3.200<" in made[0].svg
    assert [str(name) for _, name in made[1].legend] == ["codebook 0", "codebook 2", "codebook 10"]


def test_a_uniform_guess_far_above_does_not_flatten_the_curve():
    chart = charts(report_data(TRAIN, VALID, random=7.62))[0]
    assert str(chart.note) == "A uniform guess lies above this chart."
    assert "stroke-dasharray" not in chart.svg
    assert "stroke-dasharray" in charts(report_data(TRAIN, VALID, random=4.2))[0].svg


def test_svgs_belong_to_the_page():
    for chart in charts(report_data(TRAIN, VALID, random=4.2)):
        assert chart.svg.startswith("<svg")
        assert "http" not in chart.svg
        assert "metadata" not in chart.svg
        assert "<style" not in chart.svg
        assert "font-family" not in chart.svg
        assert "var(--" in chart.svg
        assert not re.search(r"#01\d{4}", chart.svg)


def test_the_best_update_is_the_one_the_run_marked():
    assert best_update(VALID).update == 50
    assert best_update([line.model_copy(update={"best": False}) for line in VALID]).update == 50
    assert best_update([valid_line(1, float("nan"), best=True)]) is None
    assert best_update([]) is None


@pytest.mark.parametrize("bad", [None, float("nan"), float("inf"), "3", True])
def test_numbers_that_are_none_make_no_chart(tmp_path, bad):
    lines = [train_line(1).to_json() | {"loss": bad, "learning_rate": bad}]
    lines += [valid_line(1).to_json() | {"loss": bad, "terms": terms} for terms in (bad, {"codebook_0": bad})]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert charts(gather(RunFolder(tmp_path))) == []


@pytest.mark.parametrize("bad", [None, math.nan, math.inf])
def test_measurements_that_failed_make_no_chart(bad):
    train = train_line(1, bad, learning_rate=math.nan)
    assert charts(report_data([train], [valid_line(1, bad, terms={"codebook_0": bad}, forgetting=bad)])) == []


def test_one_measurement_is_still_visible():
    (chart,) = charts(report_data([], [valid_line(0, 3.0)]))
    assert "<use" in chart.svg


def test_long_runs_are_thinned_and_keep_their_ends():
    points = series([train_line(u, float(u)) for u in range(50_000)], lambda line: line.loss)
    assert len(points) <= 500
    assert points[0] == (0, 0)
    assert points[-1] == (49_999, 49_999)


def test_drawing_leaves_matplotlibs_settings_alone():
    import matplotlib

    before = dict(matplotlib.rcParams)
    charts(report_data(TRAIN, VALID))
    assert dict(matplotlib.rcParams) == before

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report import fake_run
from tunesmith.report import dataset, story
from tunesmith.report.gather import Material, deep, gather
from tunesmith.report.listening import MOST_STEPS, listening
from tunesmith.report.media import Shelf
from tunesmith.run.folder import RunFolder


def test_a_resumed_run_counts_the_last_line_of_each_update(tmp_path):
    lines = [{"kind": "train", "update": u, "loss": v} for u, v in ((10, 1.0), (20, 2.0), (10, 3.0), (30, 4.0))]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = gather(RunFolder(tmp_path)).lines("train")
    assert [(r["update"], r["loss"]) for r in read] == [(10, 3.0), (20, 2.0), (30, 4.0)]


def test_the_run_is_named_as_its_user_would_name_it(tmp_path):
    for name, target in (("runs/my beats", "'my beats'"), ("elsewhere", str(tmp_path / "elsewhere"))):
        (tmp_path / name).mkdir(parents=True)
        assert gather(RunFolder(tmp_path / name)).target == target


@pytest.mark.parametrize("name", ["../x.wav", "/etc/passwd", "a/../../x.wav", "", None, 3, "a\0b", "\ud800.wav"])
@pytest.mark.parametrize("root", [Path("."), Path("runs/a")])
def test_names_that_leave_the_run_are_nothing(name, root):
    material = Material(RunFolder(root), "a")
    assert material.inside(name) is None
    assert material.inside("a/./b.wav") is not None


def test_deep_finds_the_nearest_value():
    assert deep({"a": {"licence": "inner"}, "licence": "outer"}, "licence") == "outer"
    assert deep({"a": {"b": {"license": "MIT"}}}, "licence", "license") == "MIT"
    assert deep(None, "x") is None


def test_many_previews_are_thinned_and_counted(tmp_path):
    fake_run.write(tmp_path / "p.wav", fake_run.beat(0.5))
    lines = [{"kind": "preview", "update": u, "index": 0, "prompt": "p", "file": "p.wav"} for u in range(0, 3000, 100)]
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    grid = listening(gather(RunFolder(tmp_path)), Shelf(tmp_path, embed=False)).grid
    assert len(grid.steps) == MOST_STEPS
    assert grid.left_out == 30 - MOST_STEPS
    assert (grid.steps[0][0], grid.steps[-1][0]) == (0, 2900)


def test_generated_clips_are_heard_where_nothing_was_compared(tmp_path):
    fake_run.write(tmp_path / "generated/00.wav", fake_run.beat(0.5))
    fake_run.write_json(
        tmp_path / "generated/generated.json", {"items": [{"prompt": "p", "file": "00.wav", "seed": 1}]}
    )
    heard = listening(gather(RunFolder(tmp_path)), Shelf(tmp_path, embed=False))
    assert [row.prompt for row in heard.rows] == ["p"]
    assert heard.rows[0].sides[0].clip.source == "generated/00.wav"


@pytest.mark.parametrize(
    "given", [["a.wav"], [{"clip": "a.wav", "reason": "bad"}], {"a.wav": "bad"}, [{"clip": "a.wav", "message": "bad"}]]
)
def test_quarantine_reads_in_any_shape(given):
    found = {
        "quarantined": given,
        "findings": [{"clip": "a.wav", "level": "error", "message": "bad", "message_zh": "坏"}],
    }
    rows = dataset.quarantined(Material(RunFolder(Path("x")), "x", findings=found))
    assert [(clip, reason.en) for clip, reason in rows] == [("a.wav", "bad")]


def test_findings_are_grouped_gravest_first_and_capped():
    found = [{"check": "b", "level": "warn", "clip": str(i)} for i in range(130)]
    found += [{"check": "a", "level": "info", "clip": "x"}, {"check": "c", "level": "error", "clip": "y"}]
    groups = dataset.check_groups(Material(RunFolder(Path("x")), "x", findings={"findings": found}))
    assert [(g.name, len(g.rows), g.more) for g in groups] == [("c", 1, 0), ("b", 100, 30), ("a", 1, 0)]


def test_the_code_to_load_the_adapter_is_python(tmp_path):
    assert story.load_code(gather(RunFolder(tmp_path))) == ""
    (tmp_path / "best_model").mkdir()
    for recipe in ("{}", "model: {path: 'C:\\weird \"path\"'}", "model: {family: ace_step, path: x}"):
        (tmp_path / "recipe.yaml").write_text(recipe)
        code = story.load_code(gather(RunFolder(tmp_path)))
        compile(code, "x", "exec")
        assert json.dumps(str(tmp_path / "best_model")) in code

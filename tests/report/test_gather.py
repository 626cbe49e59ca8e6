from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report import fake_run
from tunesmith.report import dataset, summary
from tunesmith.report import evaluation_section as outcome
from tunesmith.report import training_section as story
from tunesmith.report.audio_section import MOST_STEPS, listening
from tunesmith.report.gather import ReportData, deep, gather
from tunesmith.report.media import AudioEmbedder
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
    material = ReportData(RunFolder(root), "a")
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
    grid = listening(gather(RunFolder(tmp_path)), AudioEmbedder(tmp_path, embed=False)).grid
    assert len(grid.steps) == MOST_STEPS
    assert grid.left_out == 30 - MOST_STEPS
    assert (grid.steps[0][0], grid.steps[-1][0]) == (0, 2900)


def test_generated_clips_are_heard_where_nothing_was_compared(tmp_path):
    fake_run.write(tmp_path / "generated/00.wav", fake_run.beat(0.5))
    fake_run.write_json(
        tmp_path / "generated/generated.json", {"items": [{"prompt": "p", "file": "00.wav", "seed": 1}]}
    )
    heard = listening(gather(RunFolder(tmp_path)), AudioEmbedder(tmp_path, embed=False))
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
    rows = dataset.quarantined(ReportData(RunFolder(Path("x")), "x", findings=found))
    assert [(clip, reason.en) for clip, reason in rows] == [("a.wav", "bad")]


def test_findings_are_grouped_gravest_first_and_capped():
    found = [{"check": "b", "level": "warn", "clip": str(i)} for i in range(130)]
    found += [{"check": "a", "level": "info", "clip": "x"}, {"check": "c", "level": "error", "clip": "y"}]
    groups = dataset.check_groups(ReportData(RunFolder(Path("x")), "x", findings={"findings": found}))
    assert [(g.name, len(g.rows), g.more) for g in groups] == [("c", 1, 0), ("b", 100, 30), ("a", 1, 0)]


def test_the_code_to_load_the_adapter_is_python(tmp_path):
    assert story.load_code(gather(RunFolder(tmp_path))) == ""
    (tmp_path / "best_model").mkdir()
    for recipe in ("{}", "model: {path: 'C:\\weird \"path\"'}", "model: {family: ace_step, path: x}"):
        (tmp_path / "recipe.yaml").write_text(recipe)
        code = story.load_code(gather(RunFolder(tmp_path)))
        compile(code, "x", "exec")
        assert json.dumps(str(tmp_path / "best_model")) in code


def test_the_pocket_model_is_named_by_a_path_that_others_can_load(tmp_path):
    (tmp_path / "best_model").mkdir()
    (tmp_path / "recipe.yaml").write_text("model: {path: pocket}")
    code = story.load_code(gather(RunFolder(tmp_path)))
    base = json.loads(code.split("MusicgenForConditionalGeneration.from_pretrained(")[1].split(")")[0])
    assert Path(base).is_absolute()
    assert Path(base).parts[-2:] == ("pocket", "musicgen")


@pytest.mark.parametrize(
    ("problem", "en", "zh"),
    [("fade", "Fades out", "淡出"), ("hums at 50 Hz", "hums at 50 Hz", "hums at 50 Hz"), (None, "", "")],
)
def test_a_preview_that_collapsed_says_how(tmp_path, problem, en, zh):
    line = {"kind": "preview", "update": 0, "index": 0, "prompt": "p", "file": "p.wav", "problem": problem}
    (tmp_path / "metrics.jsonl").write_text(json.dumps(line))
    cell = listening(gather(RunFolder(tmp_path)), AudioEmbedder(tmp_path, embed=False)).grid.steps[0][2][0]
    assert (cell.problem or ("", "")) == (en, zh)


def test_features_say_which_way_they_moved():
    assert outcome.direction({"closer": True, "direction": "towards"}) == (("closer", "更近"), True)
    assert outcome.direction({"closer": False, "direction": "away"}) == (("further away", "更远"), False)
    assert outcome.direction({"closer": False}) == (("not closer", "未更近"), False)
    assert outcome.feature_name({"name": "Tempo", "name_zh": "速度"}) == ("Tempo", "速度")
    assert outcome.feature_name({"name": "sub_share"}).zh == "120 Hz 以下能量占比"


def test_the_verdict_needs_no_second_heading():
    given = {
        "learnt": {"en": "L", "zh": "学"},
        "worse": None,
        "next": {"en": "Next: hold out clips.", "zh": "下一步：留出音频。"},
    }
    said = summary.verdict(ReportData(RunFolder(Path("x")), "x", comparison={"verdict": given}))
    assert said[0] == ("learnt", ("L", "学"), False)
    assert said[1][0] == "worse"
    assert not said[1][2]
    assert said[2][1] == ("Hold out clips.", "留出音频。")


def test_a_flag_repeats_no_number_that_its_sentence_holds(tmp_path):
    sides = [
        {"file": "x", "verdicts": [{"sentence": s, "value": 1.0, "limit": 2.0}]}
        for s in ("Too much: 1 (limit 2)", "Bad")
    ]
    material = ReportData(
        RunFolder(tmp_path),
        "x",
        comparison={"prompts": [{"base": sides[0], "lora": sides[1]}]},
        comparison_folder=tmp_path,
    )
    (row,) = listening(material, AudioEmbedder(tmp_path, embed=False)).rows
    assert row.sides[0].flags[0].numbers is None
    assert row.sides[1].flags[0].numbers.en == "1, limit 2"


def test_a_summary_of_a_stage_shows_its_numbers_only(tmp_path):
    fake_run.write_json(
        tmp_path / "stages/check.json", {"seconds": 2, "summary": {"kept": 3, "notes": ["long"], "a_b": "x"}}
    )
    rows = story.stage_rows(gather(RunFolder(tmp_path)))
    assert rows[0][2] == "kept 3, a b x"
    assert rows[1][1].en == "not done yet"
    assert rows[-1][1].en == "this page"

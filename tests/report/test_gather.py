from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.report import fake_run
from tests.report.fake_metrics import CUT_OFF, preview_line, train_line, valid_line, write_lines
from tests.report.files import beat, write
from tunesmith.records.comparison import ComparedSide, RunVerdict
from tunesmith.records.findings import CheckFindings
from tunesmith.records.generated import GeneratedFile, GeneratedFiles
from tunesmith.records.run_finding import ClipVerdict
from tunesmith.records.stage_state import StageState
from tunesmith.report import dataset, summary
from tunesmith.report import evaluation_section as outcome
from tunesmith.report import training_section as story
from tunesmith.report.audio_section import build_audio_section
from tunesmith.report.gather import ReportData, gather
from tunesmith.report.media import AudioEmbedder
from tunesmith.report.preview_grid import MOST_STEPS
from tunesmith.run.folder import RunFolder
from tunesmith.texts import Message, msg


def test_a_resumed_run_counts_the_last_line_of_each_update(tmp_path):
    write_lines(tmp_path, [train_line(u, v) for u, v in ((10, 1.0), (20, 2.0), (10, 3.0), (30, 4.0))])
    read = gather(RunFolder(tmp_path)).metrics.train
    assert [(line.update, line.loss) for line in read] == [(10, 3.0), (20, 2.0), (30, 4.0)]


def test_a_damaged_line_is_named_once_and_the_others_count(tmp_path):
    wrong = '{"kind": "weather", "update": 1}\n{"kind": "valid", "update": "two"}\n{"kind": tr\n'
    write_lines(tmp_path, [train_line(10), valid_line(20)], wrong + CUT_OFF)
    read = gather(RunFolder(tmp_path))
    assert [line.update for line in (*read.metrics.train, *read.metrics.valid)] == [10, 20]
    (problem,) = read.problems
    assert isinstance(problem, Message)
    assert str(problem).startswith(f"{tmp_path / 'metrics.jsonl'}:3: there are no metrics of kind 'weather'")
    assert str(problem).endswith("(2 more lines of this file are passed over.)")
    write_lines(tmp_path, [train_line(10)], CUT_OFF)
    assert gather(RunFolder(tmp_path)).problems == ()  # a crash cuts a line off, and is said elsewhere


@pytest.mark.parametrize("name", ["music", "speech"])
def test_lines_of_a_run_of_before_are_sorted_by_kind(name):
    folder = RunFolder(Path(__file__).parents[1] / "records" / "format_0" / name)
    kept = {}
    for line in map(json.loads, folder.metrics.read_text(encoding="utf-8").splitlines()):
        # Where one stage of training ends the next one begins, and both are measured.
        repeated = {"train": line["update"], "valid": line.get("stage")}.get(
            line["kind"], (line.get("index"), line.get("name"))
        )
        kept[line["kind"], line["update"], repeated] = line["time"]
    read = gather(folder)
    assert not read.problems
    metrics = read.metrics
    sides = (metrics.train, metrics.valid, metrics.previews, metrics.gates, metrics.events)
    for kind, lines in zip(("train", "valid", "preview", "gate", "event"), sides, strict=True):
        assert [line.kind for line in lines] == [kind] * len(lines)
        assert sorted(line.time for line in lines) == sorted(time for key, time in kept.items() if key[0] == kind)


def test_the_run_is_named_as_its_user_would_name_it(tmp_path):
    for name, target in (("runs/my beats", "'my beats'"), ("elsewhere", str(tmp_path / "elsewhere"))):
        (tmp_path / name).mkdir(parents=True)
        assert gather(RunFolder(tmp_path / name)).target == target


@pytest.mark.parametrize("name", ["../x.wav", "/etc/passwd", "a/../../x.wav", "", None, 3, "a\0b", "\ud800.wav"])
@pytest.mark.parametrize("root", [Path("."), Path("runs/a")])
def test_names_that_leave_the_run_are_nothing(name, root):
    data = ReportData(RunFolder(root), "a")
    assert data.inside(name) is None
    assert data.inside("a/./b.wav") is not None


def test_device_and_precision_are_those_that_training_found(tmp_path):
    fake_run.full_run(tmp_path, prompts=["one"], seconds=1.0)
    rows = {str(name): str(value) for name, value in story.done(gather(RunFolder(tmp_path)))}
    assert "device: auto" in fake_run.RECIPE
    assert (rows["Device"], rows["Precision"], rows["Its licence"]) == ("cpu", "fp32", "Apache-2.0")
    (tmp_path / "stages" / "train.json").unlink()
    rows = {str(name): str(value) for name, value in story.done(gather(RunFolder(tmp_path)))}
    assert not {"Device", "Precision"} & set(rows)  # what was asked for is not what was found


def test_many_previews_are_thinned_and_counted(tmp_path):
    write(tmp_path / "p.wav", beat(0.5))
    write_lines(tmp_path, [preview_line(update, "p.wav") for update in range(0, 3000, 100)])
    grid = build_audio_section(gather(RunFolder(tmp_path)), AudioEmbedder(tmp_path, embed=False)).grid
    assert len(grid.steps) == MOST_STEPS
    assert grid.left_out == 30 - MOST_STEPS
    assert (grid.steps[0][0], grid.steps[-1][0]) == (0, 2900)


def test_generated_clips_are_heard_where_nothing_was_compared(tmp_path):
    write(tmp_path / "generated/00.wav", beat(0.5))
    made = GeneratedFile(file="00.wav", prompt="p", seed=1, seconds=0.5, signals={"lufs": -14.0}, problem="fade")
    GeneratedFiles(adapter="best_model", scale=1.0, files=(made,)).write(tmp_path / "generated/generated.json")
    audio = build_audio_section(gather(RunFolder(tmp_path)), AudioEmbedder(tmp_path, embed=False))
    assert [row.prompt for row in audio.rows] == ["p"]
    assert audio.rows[0].sides[0].clip.source == "generated/00.wav"
    assert audio.rows[0].sides[0].flags[0].sentence.render("zh") == "淡出"


def test_quarantine_says_why_in_both_languages(tmp_path):
    fake_run.findings(tmp_path)
    ((clip, reason),) = dataset.quarantined(gather(RunFolder(tmp_path)))
    assert (clip, str(reason), reason.render("zh")) == (
        "train/quiet.wav", "92 % of this clip is silent.", "此音频 92 % 为静音。",
    )  # fmt: skip


def test_findings_are_grouped_gravest_first_and_capped():
    said = (Message.fixed("so"), Message.fixed("mend it"))
    found = [fake_run.check_finding("b", "warn", str(i), *said) for i in range(130)]
    found += [fake_run.check_finding("a", "info", "x", *said), fake_run.check_finding("c", "error", "y", *said)]
    groups = dataset.check_groups(ReportData(RunFolder(Path("x")), "x", findings=CheckFindings(findings=tuple(found))))
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
    write_lines(tmp_path, [preview_line(0, "p.wav", problem=problem)])
    cell = build_audio_section(gather(RunFolder(tmp_path)), AudioEmbedder(tmp_path, embed=False)).grid.steps[0][2][0]
    assert (str(cell.problem or ""), cell.problem.render("zh") if cell.problem else "") == (en, zh)


@pytest.mark.parametrize(
    ("direction", "en", "zh", "good"),
    [
        ("towards", "closer", "更近", True),
        ("away", "further away", "更远", False),
        ("unchanged", "about the same", "大致不变", False),
    ],
)
def test_features_say_which_way_they_moved(direction, en, zh, good):
    words, closer = outcome.direction(fake_run.feature("tempo_bpm", msg("Tempo"), "BPM", 1.0, 2.0, 3.0, direction))
    assert (str(words), words.render("zh"), closer) == (en, zh, good)


def test_the_verdict_has_headings_of_its_own_and_needs_no_second():
    given = RunVerdict(learnt=Message.fixed("L", "学"), worse=None, next=Message.fixed("Hold out clips.", "留出音频。"))
    comparison = fake_run.record([], verdict=given)
    said = summary.verdict(ReportData(RunFolder(Path("x")), "x", comparison=comparison))
    assert [(sentence.css_class, str(sentence.heading)) for sentence in said] == [
        ("learnt", "What was learnt"), ("", "What got worse"), ("next", "What to do next"),
    ]  # fmt: skip
    assert (str(said[0].text), said[0].text.render("zh")) == ("L", "学")
    assert (str(said[2].text), said[2].text.render("zh")) == ("Hold out clips.", "留出音频。")


def test_a_flag_repeats_no_number_that_its_sentence_holds(tmp_path):
    verdicts = (
        ClipVerdict(name="x", sentence=Message.fixed(sentence), value=1.0, limit=2.0)
        for sentence in ("Too much: 1 (limit 2)", "Bad")
    )
    sides = [ComparedSide(file="x", signals={}, verdicts=(verdict,)) for verdict in verdicts]
    (prompt,) = fake_run.record(["p"]).prompts
    prompt = prompt.model_copy(update={"base": sides[0], "lora": sides[1]})
    comparison = fake_run.record([], prompts=(prompt,), reference=())
    data = ReportData(RunFolder(tmp_path), "x", comparison=comparison, comparison_folder=tmp_path)
    (row,) = build_audio_section(data, AudioEmbedder(tmp_path, embed=False)).rows
    assert row.sides[0].flags[0].numbers is None
    assert str(row.sides[1].flags[0].numbers) == "1, limit 2"


def test_a_summary_of_a_stage_shows_its_numbers_only(tmp_path):
    summary = {"kept": 3, "notes": ["long"], "a_b": "x"}
    state = StageState(stage="check", fingerprint="f", status="done", seconds=2, summary=summary)
    state.write(tmp_path / "stages/check.json")
    rows = story.stage_rows(gather(RunFolder(tmp_path)))
    assert str(rows[0][2]) == "usable 3, a b x"
    assert str(rows[1][1]) == "not done yet"
    assert str(rows[-1][1]) == "this page"


def test_what_a_plan_assumes_is_read_in_the_reader_s_language(tmp_path):
    assumed = Message.fixed("50 GFLOP/s on each of 2 cores", "双核，每核 50 GFLOP/s")
    (device,) = fake_run.plan().devices
    devices = (device.model_copy(update={"assumes": assumed}),)
    fake_run.plan().model_copy(update={"devices": devices}).write(tmp_path / "plan.json")
    rows = {str(name): value for name, value in story.plan_rows(gather(RunFolder(tmp_path)))}
    assert str(rows["updates"]) == "200"
    assert str(rows["devices"]).endswith(
        f", assuming {assumed}, bytes of memory 1\u2009400\u2009000\u2009000, seconds in all 280"
    )
    assert assumed.render("zh") in rows["devices"].render("zh")


def test_an_interrupted_run_is_not_called_trained(tmp_path):
    fake_run.metrics(tmp_path, updates=20, previews=False)
    lines = (tmp_path / "metrics.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "metrics.jsonl").write_text("\n".join(line for line in lines if '"finished"' not in line))
    StageState(stage="train", fingerprint="f", status="running").write(tmp_path / "stages/train.json")
    words, command = summary.state(gather(RunFolder(tmp_path)))
    assert "has not finished" in str(words)
    assert command.startswith("tunesmith run")

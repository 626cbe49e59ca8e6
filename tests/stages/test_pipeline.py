"""Stages are skipped when nothing changed, done again when something did, and never more than that."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.report.page import Page
from tests.training.test_trainer import BASE
from tests.training_runs import OFF, write_clips
from tunesmith.audio.decode import read
from tunesmith.recipe.models import Recipe
from tunesmith.records.comparison import Comparison
from tunesmith.records.generated import GeneratedFiles
from tunesmith.records.metrics import EventLine, PreviewLine, TrainLine
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages.evaluate import evaluate
from tunesmith.stages.pipeline import run_stages
from tunesmith.training.trainer import InterruptedRunError


@pytest.fixture
def clips_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "clips"
    samples = write_clips(folder, 12)
    for sample in samples:
        (folder / sample.id).with_suffix(".txt").write_text(sample.texts["caption"], encoding="utf-8")
    return folder


def context_over(tiny: Path, clips: Path, root: Path, **sections) -> RunContext:
    recipe = Recipe.model_validate(
        {
            "model": {"path": str(tiny), "device": "cpu"},
            "data": {"folder": str(clips), "fingerprint": False},
            "checks": {"min_seconds": 0.5},
            "train": {**BASE, "updates": 4},
            "gates": OFF,
            "previews": {"every": 4, "seconds": 1.0, "count": 1},
            "generate": {"seconds": 1.0, "count": 1},
            "evaluate": {"seconds": 1.0, "count": 2, "forgetting_prompts": 1},
            **sections,
        }
    )
    folder = RunFolder(root / "run").create()
    return RunContext(folder, recipe, Console(quiet=True, log_file=folder.log))


def done(context: RunContext) -> list[str]:
    """Stages done (not skipped) since the log was last emptied."""
    lines = context.folder.log.read_text(encoding="utf-8").splitlines() if context.folder.log.exists() else []
    context.folder.log.unlink(missing_ok=True)
    return [line.split(" ── ")[1].split(" ")[0] for line in lines if " ── " in line]


def assert_measured_as_written(folder: RunFolder) -> None:
    """Levels in the records are those of the files, and both of a pair have one gain."""
    made = GeneratedFiles.read(folder.generated / "generated.json").files
    told = {folder.generated / one.file: one.signals for one in made}
    told |= {folder.path / line.file: line.signals for line in folder.read_metrics(PreviewLine)}
    for prompt in Comparison.read(folder.evaluation / "comparison_results.json").prompts:
        assert prompt.base is not None
        told |= {folder.evaluation / side.file: side.signals for side in (prompt.base, prompt.lora)}
        assert prompt.base.signals["gain_db"] == prompt.lora.signals["gain_db"] <= 0
    assert len(told) >= 7
    for path, signals in told.items():
        assert signals["peak"] == pytest.approx(float(np.abs(read(path)[0]).max())), path


def test_a_whole_run_then_nothing_then_only_what_a_change_touches(tiny, clips_folder, tmp_path):
    context = context_over(tiny, clips_folder, tmp_path)
    run_stages(context)
    assert done(context) == ["check", "encode", "train", "generate", "evaluate", "report"]
    for path in ("report.html", "best_model/adapter_config.json", "generated/00.wav", "evaluation/base_model/00.wav"):
        assert (context.folder.path / path).exists(), path
    assert_measured_as_written(context.folder)
    page = Page(context.folder.report)
    assert "could not be read" not in page.text("en")
    assert "Precision fp32 Device cpu" in page.text("en")
    assert "验证损失" in page.text("zh")
    run_stages(context_over(tiny, clips_folder, tmp_path))
    assert done(context) == []

    longer = context_over(tiny, clips_folder, tmp_path, generate={"seconds": 1.2, "count": 1})
    run_stages(longer)
    assert done(context) == ["generate", "evaluate", "report"]

    flac = context_over(tiny, clips_folder, tmp_path, generate={"seconds": 1.2, "count": 1, "format": "flac"})
    run_stages(flac, ["generate"])
    assert sorted(p.name for p in context.folder.generated.iterdir()) == ["00.flac", "generated.json"]
    done(context)

    (clips_folder / "3.txt").write_text("an edited caption", encoding="utf-8")
    edited = context_over(tiny, clips_folder, tmp_path, generate={"seconds": 1.2, "count": 1})
    run_stages(edited, asked="fresh")
    assert done(context)[:3] == ["check", "encode", "train"]
    encoded = json.loads(context.folder.stage("encode").read_text())["summary"]["encoded"]
    assert encoded == {"codes": 0, "text": 1}


def test_prompts_of_forgetting_that_change_after_training_are_measured_anew(tiny, clips_folder, tmp_path):
    run_stages(context_over(tiny, clips_folder, tmp_path), ["train"])
    more = context_over(
        tiny, clips_folder, tmp_path, evaluate={"seconds": 1.0, "count": 1, "forgetting_prompts": 2, "compare": False}
    )
    evaluate(more)
    record = json.loads((more.folder.evaluation / "comparison_results.json").read_text())
    style = record["losses"]["base_style"]
    by_scale = {one["scale"]: one["loss"] for one in record["losses"]["probes"]["base_style"]}
    assert style["base"] > 0 and set(by_scale) - {0.25} == {0.0, 0.5, 1.0}
    assert (by_scale[0.0], by_scale[1.0]) == (style["base"], style["adapter"])
    assert [f["kind"] for f in record["findings"] if f["name"] == "forgetting"] in (["same"], ["worse"])
    none = context_over(
        tiny, clips_folder, tmp_path, evaluate={"seconds": 1.0, "count": 1, "forgetting_prompts": 0, "compare": False}
    )
    evaluate(none)
    record = json.loads((none.folder.evaluation / "comparison_results.json").read_text())
    assert record["losses"]["base_style"] is None and not record["losses"]["probes"]["base_style"]
    assert [f["kind"] for f in record["findings"] if f["name"] == "forgetting"] == ["unmeasured"]


def test_a_changed_recipe_trains_anew_when_asked_and_an_interrupted_one_goes_on(
    tiny, clips_folder, tmp_path, monkeypatch
):
    from tunesmith.training import trainer as training

    context = context_over(tiny, clips_folder, tmp_path)
    run_stages(context, ["train"])
    first = context.folder.final.joinpath("adapter_model.safetensors").read_bytes()
    hotter = context_over(tiny, clips_folder, tmp_path, train={**BASE, "updates": 4, "learning_rate": 0.02})
    original = training.train_update

    def stop_at_2(state, *, stop=False):
        return original(state, stop=state.progress.update == 1)

    monkeypatch.setattr(training, "train_update", stop_at_2)
    with pytest.raises(InterruptedRunError):
        run_stages(hotter, ["train"], asked="fresh")
    monkeypatch.setattr(training, "train_update", original)
    run_stages(hotter, ["train"])
    assert any(e.name == "resumed" and e.update == 2 for e in hotter.folder.read_metrics(EventLine))
    second = context.folder.final.joinpath("adapter_model.safetensors").read_bytes()
    shutil.rmtree(context.folder.path)
    run_stages(
        context_over(tiny, clips_folder, tmp_path, train={**BASE, "updates": 4, "learning_rate": 0.02}), ["train"]
    )
    assert context.folder.final.joinpath("adapter_model.safetensors").read_bytes() == second != first


def test_options_that_decide_what_is_encoded_are_part_of_what_check_and_encode_depend_on(tmp_path):
    from tunesmith.recipe.models import Recipe
    from tunesmith.run.console import Console
    from tunesmith.run.context import RunContext
    from tunesmith.run.folder import RunFolder
    from tunesmith.stages.inputs import stage_inputs

    def inputs(stage, **sections):
        recipe = Recipe.model_validate({"model": {"path": "pocket/ace_step"}, **sections})
        return repr(stage_inputs(RunContext(RunFolder(tmp_path), recipe, Console(quiet=True)), stage))

    for stage in ("check", "encode"):
        assert inputs(stage) != inputs(stage, options={"language": "ja"})
    lyrics = tmp_path / "song.txt"
    seen = []
    for text in ("la", "la la"):
        lyrics.write_text(text, encoding="utf-8")
        seen.append(inputs("generate", generate={"lyrics": str(lyrics)}))
    assert seen[0] != seen[1]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1, "stage": "check"}'])
def test_a_damaged_state_is_put_aside_and_that_stage_alone_is_done_again(tiny, clips_folder, tmp_path, content):
    context = context_over(tiny, clips_folder, tmp_path, previews={"every": 0})
    run_stages(context, ["train"])
    trained = list(context.folder.read_metrics(TrainLine))
    done(context)
    for stage, follows in (
        ("check", "the stage check counts as not done"),
        ("encode", "the stage encode counts as not done"),
        ("train", "training goes on from its newest checkpoint"),
    ):
        state = context.folder.stage(stage)
        state.write_text(content, encoding="utf-8")
        run_stages(context, ["train"])
        assert f"warning: {state}" in context.folder.log.read_text(encoding="utf-8")
        assert follows in context.folder.log.read_text(encoding="utf-8")
        assert done(context) == [stage]
        assert state.with_name(f"{stage}.damaged.json").read_text(encoding="utf-8") == content
    assert list(context.folder.read_metrics(TrainLine)) == trained

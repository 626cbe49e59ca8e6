"""Run folders of before records had versions: two real ones, cut short, open as they did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.page import Page
from tunesmith.errors import TunesmithError
from tunesmith.records.comparison import Comparison
from tunesmith.records.environment import Environment
from tunesmith.records.findings import CheckFindings
from tunesmith.records.generated import GeneratedFiles
from tunesmith.records.plan import RunPlan
from tunesmith.records.record import Record
from tunesmith.records.stage_state import StageState
from tunesmith.report.build import build_report
from tunesmith.run.folder import STAGES, RunFolder

HERE = Path(__file__).parent / "format_0"
FILES = [
    (run, name, kind)
    for run in ("music", "speech")
    for name, kind in (
        ("evaluation/comparison_results.json", Comparison),
        ("environment.json", Environment),
        ("generated/generated.json", GeneratedFiles),
        ("data/findings.json", CheckFindings),
        *((f"stages/{stage}.json", StageState) for stage in STAGES),
    )
] + [("music", "plan.json", RunPlan)]


def pairs(value: Any) -> Iterator[tuple[str, str]]:
    """Every sentence of a file of format 0 with its Chinese."""
    if isinstance(value, list):
        for item in value:
            yield from pairs(item)
    elif isinstance(value, dict):
        if set(value) == {"en", "zh"}:
            yield value["en"], value["zh"]
        for key, item in value.items():
            if f"{key}_zh" in value and item:
                yield item, value[f"{key}_zh"]
            yield from pairs(item)


@pytest.mark.parametrize(("run", "name", "kind"), FILES)
def test_a_file_is_read_and_stays_the_same_in_its_new_format(
    run: str, name: str, kind: type[Record], tmp_path: Path
) -> None:
    record = kind.read(HERE / run / name)
    record.write(tmp_path / "new.json")
    written = json.loads((tmp_path / "new.json").read_text(encoding="utf-8"))
    assert next(iter(written)) == "format" and written["format"] == kind.FORMAT
    assert kind.read(tmp_path / "new.json") == record


@pytest.mark.parametrize("run", ["music", "speech"])
def test_a_run_is_reported_in_the_words_that_it_was_written_in(run: str, tmp_path: Path) -> None:
    folder = tmp_path / run
    shutil.copytree(HERE / run, folder)
    page = Page(build_report(RunFolder(folder)))
    assert "could not be read" not in page.text("en")
    english, chinese = page.text("en"), page.text("zh")
    record = json.loads((folder / "evaluation/comparison_results.json").read_text(encoding="utf-8"))
    said = [(en, zh) for en, zh in pairs(record) if en not in {"clone", "denoise", "speed", "style", "vad"}]
    assert len(said) > 15
    for en, zh in said:
        assert en.removeprefix("Next: ") in english
        assert zh.removeprefix("下一步：") in chinese
    assert "fp32" in english
    assert "Device cpu" in english
    if run == "music":
        assert "50 GFLOP/s on each of 2 cores" in english


def test_what_is_found_by_its_old_name_has_its_new_one() -> None:
    music, speech = (Comparison.read(HERE / run / "evaluation/comparison_results.json") for run in ("music", "speech"))
    assert music.speech is None
    assert music.features[0].title.render("zh") == "120 Hz 以下占比"
    assert {feature.direction for feature in music.features} <= {"towards", "away", "unchanged"}
    assert str(music.verdict.next).startswith("If you want other styles too")
    assert music.verdict.next.render("zh").startswith("若还需要其他风格")
    assert speech.speech is not None
    assert [one.edit_type for one in speech.speech.edit_types] == ["clone", "denoise"]
    train = RunFolder(HERE / "speech").stage_state("train")
    assert train is not None
    summary = train.training()
    assert summary is not None
    assert (summary.device, summary.precision, [phase.name for phase in summary.stages]) == (
        "cpu", "fp32", ["llm", "flow", "joint"],
    )  # fmt: skip


def test_a_state_of_training_that_says_nothing_of_it_is_damaged(tmp_path: Path) -> None:
    StageState(stage="check", fingerprint="f", status="done", summary={"kept": 3}).write(tmp_path / "check.json")
    state = json.loads((HERE / "music/stages/train.json").read_text(encoding="utf-8"))
    del state["summary"]["device"]
    (tmp_path / "train.json").write_text(json.dumps(state), encoding="utf-8")
    with pytest.raises(TunesmithError, match=r"this file is damaged.*device"):
        StageState.read(tmp_path / "train.json")

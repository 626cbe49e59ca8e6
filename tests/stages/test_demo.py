"""The demo says everything once."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tunesmith.pocket import shipped
from tunesmith.recipe.load import load_recipe
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages import demo as demo_stage

TINY = """\
preset: pocket-demo
name: demo
data: {folder: clips, max_seconds: 2, min_crop_seconds: 2}
train: {updates: 1}
previews: {every: 0}
generate: {count: 1, seconds: 1}
evaluate: {count: 1, seconds: 1, forgetting_prompts: 0}
"""


@pytest.fixture
def few_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five of the shipped clips instead of all."""
    source, few = shipped.example_clips(), tmp_path / "few"
    rows = json.loads((source / "metadata.json").read_text(encoding="utf-8"))[:5]
    (few / "train").mkdir(parents=True)
    for row in rows:
        shutil.copy(source / row["audio"], few / row["audio"])
    (few / "metadata.json").write_text(json.dumps(rows), encoding="utf-8")
    monkeypatch.setattr(shipped, "example_clips", lambda family: few)


def test_nothing_is_said_twice(
    few_clips: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def short_recipe(folder: RunFolder, family: str) -> object:
        folder.recipe.write_text(TINY, encoding="utf-8")
        return load_recipe(folder.recipe)

    monkeypatch.setattr(demo_stage, "make_recipe", short_recipe)
    assert demo_stage.demo("musicgen", tmp_path / "demo") == 0
    said = capsys.readouterr().out
    assert "planted bad clips found: forgotten-take.flac, final-mix-copy.flac" in said
    assert all(f"tunesmith {stage} mybeats" in said for stage in ("run", *STAGES))
    twice = [line for line, times in Counter(said.splitlines()).items() if line.strip() and times > 1]
    assert not twice

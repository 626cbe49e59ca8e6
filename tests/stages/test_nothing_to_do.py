"""A command that has nothing to do loads nothing heavy, and still sees that the base model is another one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.once import once
from tests.report.fake_run import comparison
from tunesmith.cli.main import main
from tunesmith.data.content import weights_digest
from tunesmith.families.registry import make_family
from tunesmith.pocket.shipped import FAMILIES, example_clips, pocket_path
from tunesmith.recipe.load import load_recipe
from tunesmith.records.base_model import BaseModelRecord
from tunesmith.records.environment import Environment
from tunesmith.records.generated import GeneratedFiles
from tunesmith.records.stage_state import StageState
from tunesmith.run import base_card
from tunesmith.run.base_card import base_model, kept_base
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import STAGES, RunFolder
from tunesmith.stages.inputs import stage_inputs
from tunesmith.stages.pipeline import run_stages
from tunesmith.training.start import fingerprint

HEAVY = {"torch", "transformers", "scipy", "soxr", "peft", "diffusers", "accelerate"}
TRAINED = {"updates": 1, "best_loss": 1.0, "best_update": 1, "stages": [], "skipped": 0, "seconds": 1.0}
TRAINED |= {"device": "cpu", "precision": "fp32", "trained_parameters": 1}
TOLD = """
import sys, tunesmith.cli.main as cli
code = cli.main(sys.argv[1:])
print("\\nimported", *sys.modules)
sys.exit(code)
"""


def told(folder: Path, *arguments: str) -> tuple[str, set[str]]:
    """What a command says in a process of its own, and the modules that it has loaded."""
    command = [sys.executable, "-c", TOLD, *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said, _, modules = done.stdout.rpartition("\nimported ")
    return said, set(modules.split())


def context_of(run: Path) -> RunContext:
    return RunContext(RunFolder(run), load_recipe(run / "recipe.yaml"), Console(quiet=True))


def write_run(folder: Path, family: str, model: str) -> None:
    """Four of the shipped clips, checked and encoded; what comes after is written down as done on what is there."""
    rows = json.loads((example_clips(family) / "metadata.json").read_text(encoding="utf-8"))[:4]
    for row in rows:
        (folder / "clips" / row["audio"]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(example_clips(family) / row["audio"], folder / "clips" / row["audio"])
    (folder / "clips" / "metadata.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "run" / "best_model").mkdir(parents=True)
    (folder / "run" / "best_model" / "adapter_model.safetensors").touch()
    data = f"data: {{folder: {folder / 'clips'}, layout: metadata}}"
    text = f"name: run\nmodel: {{path: {model}, family: {family}}}\n{data}\n"
    (folder / "run" / "recipe.yaml").write_text(text, encoding="utf-8")
    _, loaded = told(folder, "check", "run")
    (folder / "checked.txt").write_text("\n".join(loaded), encoding="utf-8")
    context = context_of(folder / "run")
    run_stages(context, ["encode"])
    made = context.folder
    GeneratedFiles(files=()).write(made.generated / "generated.json")
    comparison(made.evaluation, ["a beat"], 1.0)
    made.report.write_text("<html></html>", encoding="utf-8")
    for stage in STAGES[2:]:
        inputs = stage_inputs(context, stage)
        summary = TRAINED if stage == "train" else {}
        state = StageState(stage=stage, fingerprint=fingerprint(inputs), status="done", inputs=inputs, summary=summary)
        state.write(context.folder.stage(stage))


@pytest.fixture(scope="session", params=FAMILIES)
def finished(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished ``run`` of a family."""
    family = request.param
    return once(tmp_path_factory, f"finished-{family}", lambda folder: write_run(folder, family, f"pocket/{family}"))


@pytest.mark.parametrize("verb", ["run", "check", "encode", "train", "generate", "evaluate", "report"])
def test_a_finished_run_is_left_without_torch(finished: Path, verb: str) -> None:
    said, loaded = told(finished, verb, "run")
    skipped = STAGES if verb == "run" else STAGES[: STAGES.index(verb) + 1] if verb in STAGES[:3] else [verb]
    assert [line for line in said.splitlines() if line] == [f"{name}: nothing has changed, skipped" for name in skipped]
    assert not HEAVY & loaded


def test_what_a_run_has_is_told_without_torch(finished: Path) -> None:
    said, loaded = told(finished, "info", "run")
    assert [line.split() for line in said.splitlines() if line] == [[name, "done"] for name in STAGES]
    assert not HEAVY & loaded


def test_a_check_builds_no_model(finished: Path) -> None:
    loaded = (finished / "checked.txt").read_text(encoding="utf-8").split()
    assert "soundfile" in loaded
    assert "transformers.modeling_utils" not in loaded


@pytest.fixture
def own_base(tmp_path: Path) -> Path:
    """The folder of a finished run over a base model that lies beside it."""
    shutil.copytree(pocket_path(), tmp_path / "base")
    write_run(tmp_path, "musicgen", str(tmp_path / "base"))
    return tmp_path


def skips(folder: Path) -> list[str]:
    """The stages that are up to date."""
    context = context_of(folder / "run")
    states = {stage: context.folder.stage_state(stage) for stage in STAGES}
    return [s for s, state in states.items() if state and state.fingerprint == fingerprint(stage_inputs(context, s))]


def test_another_base_model_is_noticed(own_base: Path) -> None:
    run, config = own_base / "run", own_base / "base" / "config.json"
    kept = kept_base(context_of(run))
    assert kept is not None and kept.card is not None and kept.card.sample_rate == 16_000
    assert skips(own_base) == list(STAGES)
    config.write_text(config.read_text(encoding="utf-8").replace('"sampling_rate": 16000', '"sampling_rate": 8000'))
    weights_digest.cache_clear()  # as the next process finds it
    assert skips(own_base) == []
    assert kept_base(context_of(run)) is None
    changed = base_model(context_of(run)).card
    assert changed is not None and changed.sample_rate == 8000
    assert kept_base(context_of(run)) is not None


def test_files_that_were_only_touched_are_read_again_and_nothing_is_done(own_base: Path) -> None:
    before = BaseModelRecord.read(own_base / "run" / "base_model.json")
    os.utime(own_base / "base" / "model.safetensors")
    assert kept_base(context_of(own_base / "run")) is None
    assert skips(own_base) == list(STAGES)
    after = base_model(context_of(own_base / "run"))
    assert (after.card, after.fields) == (before.card, before.fields) and after.state != before.state


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_text("{"), lambda path: path.write_text("[]")])
def test_a_run_of_before_and_a_damaged_record_read_the_base_model(
    finished: Path, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    shutil.copytree(finished / "run", tmp_path / "run")
    record, environment = (tmp_path / "run" / name for name in ("base_model.json", "environment.json"))
    before = record.read_bytes(), Environment.read(environment).model
    change(record)
    environment.unlink()
    assert main(["report", str(tmp_path / "run")]) == 0
    assert (record.read_bytes(), Environment.read(environment).model) == before


def test_other_options_and_another_version_are_another_record(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(finished / "run", tmp_path / "run")
    context = context_of(tmp_path / "run")
    assert kept_base(context) is not None
    assert kept_base(context.with_recipe(context.recipe.model_copy(update={"options": {"x": 1}}))) is None
    monkeypatch.setattr(base_card, "__version__", "0")
    assert kept_base(context) is None


def test_the_kept_card_is_the_family_s_own(finished: Path) -> None:
    kept = BaseModelRecord.read(finished / "run" / "base_model.json")
    family = make_family(kept.path)
    assert kept.card == family.card.facts()
    assert kept.fields == {spec.name: spec.dtype for spec in family.encoding.fields()}

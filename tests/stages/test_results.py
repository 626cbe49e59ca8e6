"""Results that a run has are left, gone on from or kept apart, and never given up by a command that did not ask."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.once import once
from tests.stages.test_pipeline import context_over, done
from tests.training.test_trainer import BASE
from tests.training_runs import write_clips
from tunesmith.cli.main import main
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.recipe.decided import Change
from tunesmith.recipe.load import load_recipe
from tunesmith.records.metrics import EventLine, TrainLine, ValidLine
from tunesmith.records.settings import EXECUTION
from tunesmith.run.attempts import attempt_named, attempts_of
from tunesmith.run.context import RunContext
from tunesmith.stages.pipeline import run_stages
from tunesmith.stages.results import line_of
from tunesmith.training import trainer as training
from tunesmith.training.trainer import InterruptedRunError

TRAIN: dict[str, Any] = {**BASE, "updates": 4, "valid_every": 2, "save_every": 2, "keep_checkpoints": 4}
LORA = "adapter_model.safetensors"
Make = Callable[..., RunContext]


def write_dataset(folder: Path) -> None:
    for sample in write_clips(folder, 8):
        (folder / sample.id).with_suffix(".txt").write_text(sample.texts["caption"], encoding="utf-8")


@pytest.fixture(scope="session")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``clips`` and a ``run`` that was trained on them."""

    def make(folder: Path) -> None:
        write_dataset(folder / "clips")
        run_stages(run_of(tiny, folder), ["train"])

    return once(tmp_path_factory, "trained", make)


def run_of(tiny: Path, folder: Path, **sections: Any) -> RunContext:
    sections = {"previews": {"every": 0}, **sections}
    return context_over(tiny, folder / "clips", folder, train={**TRAIN, **sections.pop("train", {})}, **sections)


@pytest.fixture
def make(tiny: Path, trained: Path, tmp_path: Path) -> Make:
    """The trained run in a folder of its own, opened with other sections."""
    shutil.copytree(trained, tmp_path / "copy")
    (tmp_path / "copy" / "run" / "train.log").unlink()
    return lambda **sections: run_of(tiny, tmp_path / "copy", **sections)


def tensors(context: RunContext) -> tuple[bytes, bytes]:
    return (context.folder.best / LORA).read_bytes(), (context.folder.final / LORA).read_bytes()


def events(context: RunContext, name: str) -> list[str]:
    return [str(line.message) for line in context.folder.read_metrics(EventLine) if line.name == name]


@pytest.mark.parametrize(
    "sections",
    [
        {"train": {"log_every": 3, "save_every": 1, "keep_checkpoints": 1, "snapshots": "all"}},
        {"train": {"batch_size": 4, "accumulation": 1, "token_budget": 10_000}},
        {"previews": {"every": 2, "count": 3, "seconds": 2.0}},
        {"gates": {"base_loss": "warn"}},
        {"evaluate": {"forgetting_prompts": 0, "count": 1}},
        {"generate": {"seed": 5, "lyrics": "la"}},
        {"options": {"temperature": 0.5, "top_k": 3, "guidance": 2.0}},
        {"model": {"device": "cpu", "precision": "bf16"}},
        {"train": {"valid_every": 1, "early_stopping": 1}},
    ],
)
def test_what_does_not_decide_the_weights_leaves_them(make: Make, tiny: Path, sections: dict[str, Any]) -> None:
    if "model" in sections:
        sections = {"model": {"path": str(tiny), **sections["model"]}}
    before = tensors(make())
    run_stages(make(**sections), ["train"])
    context = make()
    assert "train" not in done(context) and tensors(context) == before and not attempts_of(context.folder)


def test_where_the_clips_lie_is_no_reason_to_train_again(make: Make) -> None:
    context = make()  # a copy: another place than where it was trained
    before = tensors(context)
    run_stages(context, ["train"])
    assert "train" not in done(context) and tensors(context) == before


@pytest.mark.parametrize(
    ("sections", "said", "resumable"),
    [
        ({"train": {"learning_rate": 0.02}}, r"train\.learning_rate: 0\.002 → 0\.02", True),
        ({"options": {"text_dropout": 0.5}}, r"options\.text_dropout: 0\.1 → 0\.5", True),
        ({"data": {"min_crop_seconds": 0.5}}, r"data\.min_crop_seconds: 10 → 0\.5", True),
        ({"adapter": {"rank": 4}}, r"adapter\.rank: 16 → 4", False),
        ({"train": {"seed": 3}}, r"train\.seed: 42 → 3", False),
        ({"train": {"accumulation": 4}}, r"clips per update: 4 → 8", False),
    ],
)
def test_what_decides_the_weights_is_asked_about(
    make: Make, sections: dict[str, Any], said: str, resumable: bool
) -> None:
    if "data" in sections:
        clips = make().recipe.data.folder
        sections = {"data": {"folder": clips, "fingerprint": False, **sections["data"]}}
    longer = {**sections, "train": {**sections.get("train", {}), "updates": 6}}
    before = tensors(make())
    with pytest.raises(TunesmithError, match=said) as asked:
        run_stages(make(**longer), ["train"])
    assert "--fresh" in str(asked.value) and "--like" in str(asked.value)
    assert tensors(make()) == before and make().folder.newest_checkpoint().name == "step-000004"
    if not resumable:
        with pytest.raises(TunesmithError, match="no checkpoint can be continued under this change"):
            run_stages(make(**longer), ["train"], asked="resume")
        assert tensors(make()) == before
        return
    context = make(**longer)
    run_stages(context, ["train"], asked="resume")
    assert [line.update for line in context.folder.read_metrics(TrainLine)] == list(range(1, 7))
    assert any(said.split(":", maxsplit=1)[0].replace("\\", "") in line for line in events(context, "changed"))
    assert len(events(context, "finished")) == 1


def test_begun_anew_keeps_the_old_results_where_they_can_be_used(make: Make) -> None:
    before = tensors(make())
    context = make(train={"learning_rate": 0.02})
    run_stages(context, ["train"], asked="fresh")
    (attempt,) = attempts_of(context.folder)
    kept = RunContext(attempt, context.recipe, context.console)
    assert tensors(kept) == before != tensors(context)
    assert attempt.newest_checkpoint() and attempt.metrics.exists() and attempt.manifest.exists()
    assert "learning_rate: 0.002" in attempt.recipe.read_text("utf-8")
    assert attempt.stage_state("train").status == "done" and attempt.cache == context.folder.cache.resolve()
    run_stages(kept, ["generate"])
    assert (attempt.generated / "00.wav").exists()
    assert attempt_named(context.folder, attempt.path.name[:4]) == attempt
    with pytest.raises(TunesmithError, match="`x` names 0 attempts"):
        attempt_named(context.folder, "x")


def test_forced_training_keeps_the_old_results_too(make: Make) -> None:
    before = tensors(make())
    context = make()
    run_stages(context, ["train"], force=True)
    (attempt,) = attempts_of(context.folder)
    assert tensors(RunContext(attempt, context.recipe, context.console)) == before == tensors(context)


def test_nothing_is_moved_before_the_gates_are_passed(make: Make) -> None:
    before = tensors(make())
    context = make(gates={"base_loss": "stop", "layout": "stop"}, train={"learning_rate": 0.02})
    with pytest.raises(TunesmithError, match="Nothing was trained"):
        run_stages(context, ["train"], asked="fresh")
    assert tensors(make()) == before and not attempts_of(context.folder)
    run_stages(make(), ["train"])
    assert tensors(make()) == before and not events(make(), "resumed")


def stopped_at(context: RunContext, update: int, monkeypatch: pytest.MonkeyPatch, **how: Any) -> None:
    """Train and be interrupted after an update."""
    original = training.train_update

    def stopping(state: Any, *, stop: bool = False) -> Any:
        return original(state, stop=state.progress.update == update - 1)

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_update", stopping)
        with pytest.raises(InterruptedRunError):
            run_stages(context, ["train"], **how)


def test_after_an_interruption_an_edited_caption_is_asked_about(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    context = make()
    stopped_at(context, 3, monkeypatch, asked="fresh")
    assert context.folder.go_on.read_text("utf-8").splitlines()[1].startswith("tunesmith train")
    clips = Path(context.recipe.data.folder)
    (clips / "3.txt").write_text("an edited caption", encoding="utf-8")
    with pytest.raises(TunesmithError, match="clips: 1 with other content, text or side of the split") as asked:
        run_stages(context, ["train"])
    assert "--resume" in str(asked.value)
    assert context.folder.newest_checkpoint().name == "step-000003"
    run_stages(context, ["train"], asked="resume")
    assert [line.update for line in context.folder.read_metrics(TrainLine)] == [1, 2, 3, 4]
    assert any("clips: 1 with other content" in line for line in events(context, "changed"))


def test_a_removed_clip_is_named_and_the_best_so_far_is_measured_again(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = make()
    stopped_at(context, 3, monkeypatch, asked="fresh")
    held_out = next(name for name, key in read_json(context.folder.clip_index)["clips"].items() if "valid" in key)
    for path in Path(context.recipe.data.folder).glob(f"{Path(held_out).stem}.*"):
        path.unlink()
    with pytest.raises(TunesmithError, match=r"clips: 1 removed \(.*wav\)"):
        run_stages(context, ["train"])
    run_stages(context, ["train"], asked="resume")
    assert any("held-out loss of" in line for line in events(context, "changed"))
    assert context.folder.stage_state("train").training().updates == 4


def test_more_updates_go_on_without_a_question_and_fewer_change_nothing(make: Make) -> None:
    context = make(train={"updates": 6})
    run_stages(context, ["train"])
    assert [line.update for line in context.folder.read_metrics(TrainLine)] == list(range(1, 7))
    after = tensors(context)
    run_stages(make(train={"updates": 5}), ["train"])
    assert tensors(make()) == after


def test_a_run_that_stopped_early_goes_on_with_more_patience(make: Make) -> None:
    patient = make(train={"updates": 8, "early_stopping": 1, "learning_rate": 1e-9, "valid_every": 1})
    run_stages(patient, ["train"], asked="fresh")
    stopped = patient.folder.stage_state("train").training().updates
    assert stopped < 8
    more = make(train={"updates": 8, "early_stopping": 0, "learning_rate": 1e-9, "valid_every": 1})
    run_stages(more, ["train"])
    assert more.folder.stage_state("train").training().updates == 8
    assert not attempts_of(more.folder)[1:], "only the run that was there before"


def test_other_weights_are_chosen_from_the_checkpoints_that_are_kept(make: Make) -> None:
    averaged = {"ema_decay": 0.5}
    context = make(train=averaged)
    run_stages(context, ["train"], asked="fresh")
    raw = tensors(context)
    chosen = make(train={**averaged, "use_weights": "ema"})
    run_stages(chosen, ["train"])
    assert not [line for line in chosen.folder.read_metrics(ValidLine) if line.weights == "ema"], "nothing was trained"
    assert tensors(chosen)[1] != raw[1] and len(attempts_of(chosen.folder)) == 2
    again = tensors(chosen)
    run_stages(chosen, ["train"])
    assert tensors(chosen) == again and len(attempts_of(chosen.folder)) == 2


def test_a_mended_objective_is_no_longer_up_to_date(make: Make) -> None:
    context = make()
    path = context.folder.stage("train")
    record = read_json(path)
    write_json(path, {**record, "inputs": {**record["inputs"], "version": "0.9"}})
    with pytest.raises(TunesmithError, match=r"version: 0\.9 → 1\.1"):
        run_stages(context, ["train"])


def test_stages_from_before_inputs_were_written_down_are_taken_as_they_are(make: Make, tmp_path: Path) -> None:
    context = make()
    run_stages(context, ["train"])  # in its new place
    for name in ("check", "encode", "train"):
        path = context.folder.stage(name)
        record = {key: value for key, value in read_json(path).items() if key not in ("inputs", "format")}
        write_json(path, {**record, "fingerprint": "of then"})
    shutil.rmtree(context.folder.trained_on)
    context.folder.clip_index.unlink()
    done(context)
    before = tensors(context)
    run_stages(context, ["train"])
    assert done(context) == [] and tensors(context) == before
    with pytest.raises(TunesmithError, match=r"train\.learning_rate: 0\.002 → 0\.02"):
        run_stages(make(train={"learning_rate": 0.02}), ["train"])


def test_attempts_are_listed_and_used_from_the_command_line(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    context = make()
    run_stages(context, ["check"])  # writes the resolved recipe of this place
    monkeypatch.chdir(tmp_path)
    run, few = str(context.folder.path), ["generate.seconds=1.0", "generate.count=1"]
    assert main(["train", run, "train.learning_rate=0.02"]) == 1
    assert "--fresh` trains anew" in capsys.readouterr().err
    assert main(["train", run, "--resume", "--fresh"]) == 1
    assert main(["train", run, "train.learning_rate=0.02", "--fresh"]) == 0
    (attempt,) = attempts_of(context.folder)
    capsys.readouterr()
    assert main(["info", run]) == 0
    assert f"attempts/{attempt.path.name}" in capsys.readouterr().out
    assert main(["generate", run, "--from-attempt", attempt.path.name, "--out", "made", *few]) == 0
    assert Path("made/00.wav").exists() and not context.folder.generated.exists()
    assert main(["new", "again", "--like", run]) == 0
    recipe = load_recipe(Path("runs/again/recipe.yaml"))
    assert recipe.name == "again" and recipe.data.folder == context.recipe.data.folder
    assert main(["new", "third", "--like", run, "--from", str(tmp_path)]) == 0
    assert load_recipe(Path("runs/third/recipe.yaml")).data.folder == str(tmp_path)
    for wrong in (["new", "b", "--like", run, "--model", "pocket"], ["new", "b"], ["new", "again", "--like", run]):
        assert main(wrong) == 1, wrong


@pytest.mark.parametrize(
    ("name", "new", "said"),
    [
        ("model.precision", "auto", "keeps the precision it began in"),
        ("model.precision", "fp32", "numbers are rounded otherwise"),
        ("model.device", "cuda", "the last bits may differ"),
    ],
)
def test_what_a_change_of_precision_does_is_said(make, name, new, said):
    assert said in str(line_of(make(), Change(name, "bf16", new, EXECUTION)))

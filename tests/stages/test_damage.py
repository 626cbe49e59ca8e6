"""Damaged files of a run never stop it: what is lost is named, and made again or gone on without."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.stages.test_results import events, make, stopped_at, tensors, trained  # noqa: F401 - fixtures
from tunesmith.data.sample import read_manifest
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.records.comparison import Comparison
from tunesmith.records.metrics import TrainLine
from tunesmith.records.stage_state import StageState
from tunesmith.run.context import RunContext
from tunesmith.run.evaluated import evaluated_samples
from tunesmith.stages.made import lost_result
from tunesmith.stages.pipeline import run_stages

AVERAGED = {"ema_decay": 0.5}
Make = Callable[..., RunContext]


def log_of(context: RunContext) -> str:
    return context.folder.log.read_text(encoding="utf-8")


def encoded(context: RunContext) -> dict[str, int]:
    found: dict[str, int] = StageState.read(context.folder.stage("encode")).summary["encoded"]
    return found


def test_damaged_clips_of_the_cache_are_named_and_encoded_again(make: Make) -> None:  # noqa: F811
    context = make()
    shard = context.folder.cache / "codes" / "shard-00000.bin"
    content = bytearray(shard.read_bytes())
    content[1] ^= 1
    shard.write_bytes(content)
    before = tensors(context)
    run_stages(context, ["train"])
    assert "holds of 1 clips is damaged or gone, and is encoded again: 0.wav" in log_of(context)
    assert encoded(context) == {"codes": 1, "text": 0}
    assert tensors(context) == before
    context.folder.log.unlink()
    run_stages(context, ["train"])
    assert "encode: nothing has changed, skipped" in log_of(context)


def test_a_deleted_cache_is_made_again(make: Make) -> None:  # noqa: F811
    context = make()
    (context.folder.cache / "codes" / "index.npy").unlink()
    (context.folder.cache / "text" / "shard-00000.bin").unlink()
    run_stages(context, ["encode"])
    assert encoded(context) == {"codes": 8, "text": 8}
    assert "the cache's index of codes is gone or damaged" in log_of(context)
    assert "holds of 8 clips is damaged or gone" in log_of(context)


def test_a_damaged_newest_checkpoint_is_put_aside_and_the_one_before_goes_on(
    make: Make,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = tensors(make())  # averages change nothing about the weights themselves
    context = make(train=AVERAGED)
    for name in ("state.json", "ema.safetensors", "optimizer.pt", "adapter_model.safetensors"):
        stopped_at(context, 3, monkeypatch, asked="fresh")
        newest = context.folder.checkpoints / "step-000003"
        (newest / name).write_bytes(b"")
        run_stages(context, ["train"])
        assert events(context, "resumed") == ["continued from update 2"]
        assert "step-000003 is damaged (" in log_of(context)
        assert (context.folder.checkpoints / "damaged-step-000003" / name).exists()
        assert [line.update for line in context.folder.read_metrics(TrainLine)] == [1, 2, 3, 4]
        assert len(events(context, "finished")) == 1
        assert tensors(context) == whole


def test_a_run_whose_checkpoints_are_all_damaged_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    context = make()
    stopped_at(context, 3, monkeypatch, asked="fresh")
    for path in context.folder.all_checkpoints():
        (path / "optimizer.pt").write_bytes(b"PK")
    with pytest.raises(TunesmithError, match=r"every checkpoint of this run is damaged.*--fresh"):
        run_stages(context, ["train"])


def test_damaged_metric_lines_are_left_out_and_said(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    context = make()
    stopped_at(context, 3, monkeypatch, asked="fresh")
    metrics = context.folder.metrics
    torn = metrics.read_bytes() + b"{}\n\xff\xfe\n" + '{"kind": "event", "message": "训'.encode()[:-1]
    metrics.write_bytes(torn)
    run_stages(context, ["train"])
    assert [line.update for line in context.folder.read_metrics(TrainLine)] == [1, 2, 3, 4]
    assert "3 lines of" in log_of(context)
    assert metrics.with_name("metrics.damaged.jsonl").read_bytes() == torn


def test_metrics_of_a_later_version_are_not_left_out(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    context = make()
    stopped_at(context, 3, monkeypatch, asked="fresh")
    with context.folder.metrics.open("a", encoding="utf-8") as file:
        file.write('{"format": 99, "kind": "train", "update": 3}\n')
    with pytest.raises(TunesmithError, match="Update Tunesmith"):
        run_stages(context, ["train"])


def test_a_run_that_was_killed_as_it_ended_says_once_that_it_has(
    make: Make,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context = make(train={"learning_rate": 1e-12})
    write = StageState.write

    def killed(state: StageState, path: Path) -> None:
        if (state.stage, state.status) == ("train", "done"):
            raise KeyboardInterrupt
        write(state, path)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(StageState, "write", killed)
        run_stages(context, ["train"], asked="fresh")
    run_stages(context, ["train"])
    assert len(events(context, "finished")) == 1
    assert len(events(context, "no_best")) == 1


@pytest.mark.parametrize("stage", ["generate", "evaluate"])
def test_an_interrupted_round_leaves_the_one_before(
    make: Make,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    stage: str,
) -> None:
    context = make()
    run_stages(context, [stage])
    folder = context.folder.generated if stage == "generate" else context.folder.evaluation
    (folder / "mine.txt").write_text("mine", encoding="utf-8")
    before = content_of(folder)
    changed = make(**{stage: {"seconds": 1.2, "count": 1, "prompts": ["another one"]}})
    module = "tunesmith.evaluation.compare" if stage == "evaluate" else "tunesmith.stages.generate"
    written = "write_side" if stage == "evaluate" else "GeneratedFile"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"{module}.{written}", interrupt)
        run_stages(changed, [stage])
    assert content_of(folder) == before
    run_stages(changed, ["report"])
    page = changed.folder.report.read_text(encoding="utf-8")
    assert f"Begun and not finished: {stage}." in page
    run_stages(changed, [stage, "report"])
    assert content_of(folder) != before
    assert (folder / "mine.txt").read_text(encoding="utf-8") == "mine"
    assert "Begun and not finished" not in changed.folder.report.read_text(encoding="utf-8")


def test_a_held_out_clip_that_is_gone_is_left_out_and_the_adapter_stays(
    make: Make,  # noqa: F811
    trained: Path,  # noqa: F811
) -> None:
    context = make()
    before = tensors(context)
    clips, manifest = Path(context.recipe.data.folder), context.folder.manifest
    lines = manifest.read_text(encoding="utf-8")
    for path in (manifest, context.folder.trained_on / manifest.name):
        path.write_text(lines.replace(str(trained / "clips"), str(clips)), encoding="utf-8")
    held_out = next(name for name, key in read_json(context.folder.clip_index)["clips"].items() if "valid" in key)
    for path in clips.glob(f"{Path(held_out).stem}.*"):
        path.unlink()
    run_stages(context, ["evaluate"])
    assert f"1 held-out clips are not there any more and are left out: {held_out}" in log_of(context)
    run_stages(context, ["train", "evaluate"])
    assert tensors(context) == before
    assert "for the next training: clips: 1 removed" in log_of(context)
    now = {sample.id for sample in read_manifest(manifest) if sample.split == "valid"}
    measured = {sample.id for sample in evaluated_samples(context.folder) if sample.split == "valid"}
    assert measured < now, "another clip is held out from now on, and was trained on"


def test_held_out_clips_that_were_damaged_since_are_left_out_and_the_rest_is_measured(
    make: Make,  # noqa: F811
    trained: Path,  # noqa: F811
) -> None:
    context = make()
    clips, manifest = Path(context.recipe.data.folder), context.folder.manifest
    lines = manifest.read_text(encoding="utf-8")
    for path in (manifest, context.folder.trained_on / manifest.name):
        path.write_text(lines.replace(str(trained / "clips"), str(clips)), encoding="utf-8")
    samples = list(read_manifest(manifest))
    held_out, train = (next(s for s in samples if s.split == side) for side in ("valid", "train"))
    for sample, left in ((held_out, b""), (train, b"no sound")):
        Path(sample.audios["audio"].path).write_bytes(left)
    run_stages(context, ["evaluate"])
    assert f"1 clips cannot be read any more and are left out: {held_out.id}" in log_of(context)
    found = Comparison.read(context.folder.comparison)
    assert train.id not in {clip.clip for clip in found.reference}
    assert not [cause for cause in found.verdict.causes if cause.name == "objective"]
    state = StageState.read(context.folder.stage("evaluate"))
    assert state.status == "done"


@pytest.mark.parametrize(
    ("stage", "file"),
    [
        ("check", "data/manifest.jsonl"),
        ("check", "data/findings.json"),
        ("generate", "generated/generated.json"),
        ("generate", "generated/*.wav"),
        ("evaluate", "evaluation/comparison_results.json"),
        ("evaluate", "evaluation/base_model/*.wav"),
        ("report", "report.html"),
    ],
)
def test_results_that_are_gone_or_damaged_are_made_again(
    make: Make,  # noqa: F811
    stage: str,
    file: str,
) -> None:
    context = make(generate={"seconds": 1.0, "count": 1}, evaluate={"seconds": 1.0, "count": 1})
    run_stages(context, [stage])
    path = next(context.folder.path.glob(file))
    whole = path.stat().st_size
    run_stages(context, [stage])
    assert log_of(context).count(f"{stage}: nothing has changed, skipped") == 1
    for left in (whole // 2, 0):
        os.truncate(path, left)
        run_stages(context, [stage])
        assert f"{path} is missing or damaged, so the stage {stage} is done again" in log_of(context)
        assert lost_result(context, stage) is None and next(context.folder.path.glob(file)).stat().st_size > left


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def content_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

"""Checkpoints: complete or refused, pruned, and of no other run."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.training.test_trainer import BASE
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.run.folder import STATE, RunFolder
from tunesmith.training import checkpoint
from tunesmith.training.loop import train_update
from tunesmith.training.setup import build_train_state

EMA = {"ema_decay": 0.8}


@pytest.fixture
def state(make_run):
    return build_train_state(make_run(train={**BASE, **EMA}))


def step(state, times: int = 1) -> None:
    for _ in range(times):
        train_update(state)
        state.progress.update += 1


def saved(state, tmp_path):
    return checkpoint.save(state, RunFolder(tmp_path))


def test_everything_comes_back(state, make_run, tmp_path):
    step(state, 2)
    state.progress.best_loss, state.progress.best_update, state.progress.skipped = 1.5, 1, 3
    path = saved(state, tmp_path)
    assert path.name == "step-000002"
    drawn = torch.rand(3)
    other = build_train_state(make_run("other", train={**BASE, **EMA}))
    checkpoint.load(other, path)
    assert torch.equal(torch.rand(3), drawn), "the global generator goes on where it was"
    assert other.progress == state.progress
    assert all(torch.equal(p, state.parameters[key]) for key, p in other.parameters.items())
    assert all(torch.equal(value, state.ema.shadow[key]) for key, value in other.ema.shadow.items())
    moments = [[value["exp_avg"] for value in one.optimizer.state.values()] for one in (state, other)]
    assert moments[0] and all(torch.equal(a, b) for a, b in zip(*moments, strict=True))
    step(state), step(other)
    assert all(torch.equal(p, state.parameters[key]) for key, p in other.parameters.items())


def test_files_name_parameters_by_network_and_name(state, tmp_path):
    step(state)
    path = saved(state, tmp_path)
    names = load_file(path / checkpoint.EMA).keys()
    assert names == read_json(path / STATE)["identity"]["shapes"].keys()
    assert all(name.startswith("decoder.base_model.") for name in names)


def test_an_average_that_is_missing_is_asked_for(state, make_run, tmp_path):
    step(state)
    path = saved(state, tmp_path)
    without = build_train_state(make_run("without", train=BASE))
    checkpoint.load(without, path, {"train.ema_decay"})  # one that is not wanted is left alone
    (path / checkpoint.EMA).unlink()
    with pytest.raises(TunesmithError, match="no moving average"):
        checkpoint.load(state, path)


@pytest.mark.parametrize("damage", ["torn", "empty", "other names", "other shapes"])
def test_a_damaged_average_is_said(state, tmp_path, damage):
    step(state)
    path = saved(state, tmp_path)
    file = path / checkpoint.EMA
    tensors = load_file(file)
    if damage.startswith("other"):
        renamed = {f"x.{name}": tensor for name, tensor in tensors.items()}
        shorter = {name: tensor[:1] for name, tensor in tensors.items()}
        save_file(renamed if damage == "other names" else shorter, file)
    else:
        file.write_bytes(file.read_bytes()[:-9] if damage == "torn" else b"")
    before = {key: value.clone() for key, value in state.ema.shadow.items()}
    with pytest.raises(
        TunesmithError, match="this checkpoint is incomplete" if "other" in damage else "cannot be read"
    ):
        checkpoint.load(state, path)
    assert all(torch.equal(value, before[key]) for key, value in state.ema.shadow.items())


@pytest.mark.parametrize("content", [b"", b"no tensors", None, {"a": 1}, [1], {"optimizer": {}, "scaler": None}])
def test_a_damaged_optimizer_is_said(state, tmp_path, content):
    step(state)
    path = saved(state, tmp_path)
    if content is None:
        (path / checkpoint.OPTIMIZER).unlink()
    elif not isinstance(content, bytes):
        torch.save(content, path / checkpoint.OPTIMIZER)
    else:
        (path / checkpoint.OPTIMIZER).write_bytes(content)
    with pytest.raises(TunesmithError, match="this checkpoint is incomplete"):
        checkpoint.load(state, path)


def test_the_newest_complete_one_is_found(tmp_path):
    folder = RunFolder(tmp_path)
    assert folder.newest_checkpoint() is None
    for number in (2, 10, 30):
        (folder.checkpoints / f"step-{number:06d}").mkdir(parents=True)
    for number in (2, 10):
        write_json(folder.checkpoints / f"step-{number:06d}" / STATE, {"format": 2, "progress": {}, "identity": {}})
    assert folder.newest_checkpoint().name == "step-000010"
    (folder.checkpoints / "step-000010" / STATE).write_bytes(b"")
    assert folder.newest_checkpoint().name == "step-000002"


@pytest.mark.parametrize(("best", "left"), [([None], [3, 4]), ([1], [1, 3, 4]), ([4], [3, 4]), ([1, 2], [1, 2, 3, 4])])
def test_the_newest_and_the_best_are_kept(tmp_path, best, left):
    folder = RunFolder(tmp_path)
    for number in (1, 2, 3, 4):
        (folder.checkpoints / f"step-{number:06d}").mkdir(parents=True)
    (folder.checkpoints / "step-000000").write_text("a file of the user's")
    checkpoint.prune(folder, 2, best)
    kept = sorted(int(path.name.removeprefix("step-")) for path in folder.checkpoints.iterdir() if path.is_dir())
    assert kept == left and (folder.checkpoints / "step-000000").exists()


def test_saving_prunes_by_the_recipe(state, tmp_path):
    for _ in range(4):
        step(state)
        saved(state, tmp_path)
    assert len(list(RunFolder(tmp_path).checkpoints.iterdir())) == state.settings.keep_checkpoints == 2


def test_what_differs_is_named_on_both_sides(tmp_path):
    checkpoint.refuse_other({"seed": 1, "shapes": {"a": 1}}, {"seed": 1, "shapes": {"a": 1}}, tmp_path)
    with pytest.raises(TunesmithError) as refused:
        checkpoint.refuse_other({"seed": 1, "base": "b" * 60}, {"seed": 2, "base": "c" * 61}, tmp_path)
    text = str(refused.value)
    assert f"seed 1 there, 2 here; base {'b' * 60} there, {'c' * 57}… here" in text and "--fresh" in text
    with pytest.raises(TunesmithError, match="another run: other adapter shapes") as refused:
        checkpoint.refuse_other({"shapes": {"a": 1}}, {"shapes": {"a": 2}}, tmp_path, "Do that.")
    assert "Do that." in str(refused.value)


def test_clips_are_named_by_how_many_and_which():
    assert checkpoint.clips_name(["a", "b"]) == checkpoint.clips_name(["b", "a"]) != checkpoint.clips_name(["a", "c"])
    assert checkpoint.clips_name(["a", "b"]).startswith("2 (") and len(checkpoint.clips_name(["a", "b"])) == 12


@pytest.mark.parametrize(
    ("history", "stage", "fits"),
    [([], 0, True), ([], 1, False), (["other"], 0, False), (["train"], 0, True), (["train"], 1, False)],
)
def test_the_stages_that_were_done_have_to_be_the_recipe_s(state, tmp_path, history, stage, fits):
    step(state)
    path = saved(state, tmp_path)
    record = json.loads((path / STATE).read_text())
    record["progress"] |= {"history": [{"name": name} for name in history], "stage": stage}
    write_json(path / STATE, record)
    if fits:
        checkpoint.load(state, path)
        assert state.progress.stage == stage
    else:
        with pytest.raises(TunesmithError, match="this checkpoint has done the stages"):
            checkpoint.load(state, path)


def test_groups_of_before_are_read_as_today_s():
    group = {"lr": 0.1, "share": 0.5, "network": "llm", "params": [0]}
    read = checkpoint.with_present_names({"state": {}, "param_groups": [group, {"lr_scale": 2.0}]})
    expected = [{"lr": 0.1, "lr_scale": 0.5, "network": "llm", "params": [0]}, {"lr_scale": 2.0}]
    assert read == {"state": {}, "param_groups": expected}

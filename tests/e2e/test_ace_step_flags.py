"""Flags of the ACE-Step doorways: what each becomes, and what a run leaves that can be gone on from."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from tests.data.sounds import phrase, save
from tests.e2e.songs import small_lora
from tests.e2e.test_musicgen_doorways import plain_environment
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.doorways.ace_step.convert2hf_dataset import convert2hf_dataset
from tunesmith.doorways.ace_step.options import FLAG_OF, TRAIN_DEFAULTS
from tunesmith.doorways.ace_step.recipe import as_recipe, folders
from tunesmith.doorways.ace_step.run_dir import new_run, runs_of
from tunesmith.doorways.ace_step.trainer import HELP, trainer
from tunesmith.doorways.common import chosen_overrides, run_doorway
from tunesmith.errors import TunesmithError
from tunesmith.recipe.load import build
from tunesmith.recipe.models import Recipe
from tunesmith.recipe.tree import Tree
from tunesmith.training.schedule import listed_epoch

GUIDE = """
--num_nodes 1 --shift 3.0 --learning_rate 1e-4 --num_workers 8 --epochs -1 --max_steps 2000000
--every_n_train_steps 2000 --dataset_path ./zh_lora_dataset --exp_name chinese_rap_lora --precision 32
--accumulate_grad_batches 1 --devices 1 --logger_dir ./exps/logs/ --ckpt_path None --checkpoint_dir None
--gradient_clip_val 0.5 --gradient_clip_algorithm norm --reload_dataloaders_every_n_epochs 1 --every_plot_step 2000
--val_check_interval None --lora_config_path config/zh_rap_lora_config.json
"""
"""Every flag of the guides with its default."""
QUICK = ["--every_plot_step", "0", "--every_n_train_steps", "2", "--lora_config_path", "lora.json"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    small_lora(Path("lora.json"))
    Path("zh_lora_dataset").mkdir()


@pytest.fixture
def work(songs: Path, tmp_path: Path) -> Path:
    """A working directory with a dataset of eight clips, each listed three times."""
    Path("zh_lora_dataset").rmdir()
    shutil.copytree(songs, "data")
    assert run_doorway(convert2hf_dataset, ["--repeat_count", "3"]) == 0
    return tmp_path


@pytest.fixture
def quick(work: Path, swift: Path) -> list[str]:
    return ["--model", str(swift), *QUICK]


def read(*argv: str) -> argparse.Namespace:
    """What the trainer's parser makes of a command line."""
    seen: list[argparse.Namespace] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunesmith.doorways.ace_step.trainer._run", lambda args, command: seen.append(args) or 0)
        assert trainer(list(argv)) == 0
    return seen[0]


def recipe_of(*argv: str) -> Recipe:
    args = read("--lora_config_path", "lora.json", *argv)
    return build(
        Tree(as_recipe(args, folders(args.model, args.checkpoint_dir))), chosen_overrides(args, FLAG_OF)
    ).recipe


def only_run(name: str = "") -> Path:
    (run,) = Path("exps/logs/lightning_logs").glob(f"*{name}")
    return run


def lines_of(run: Path, kind: str) -> list[dict[str, Any]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["kind"] == kind]


def adapter(folder: Path) -> bytes:
    return (folder / "adapter_model.safetensors").read_bytes()


# --- flags ------------------------------------------------------------------------------------------------------------


def test_the_guides_defaults_are_the_defaults() -> None:
    words = GUIDE.split()
    assert len(words) == 2 * 21
    assert vars(read()) | {"given": 0} == vars(read(*words)) | {"given": 0}
    assert {name.removeprefix("--") for name in words[::2]} < TRAIN_DEFAULTS.keys() == {*HELP, "ssl", "gate", "set"}


@pytest.mark.parametrize(
    ("argv", "section", "values"),
    [
        ("--shift 2.5", "options", {"shift": 2.5}),
        ("--ssl", "options", {"ssl": "on"}),
        ("--learning_rate 3e-5", "train", {"learning_rate": 3e-5, "schedule": "linear", "min_lr_share": 0.0}),
        ("--max_steps 70", "train", {"updates": 70, "warmup_updates": 10, "early_stopping": 0}),
        ("--every_n_train_steps 7", "train", {"save_every": 7, "valid_every": 7}),
        ("--val_check_interval 3", "train", {"save_every": 2000, "valid_every": 3}),
        ("--gate base_loss=warn leakage=off", "gates", {"base_loss": "warn", "leakage": "off"}),
        ("--gate gates.warmup=off --gate layout=off", "gates", {"warmup": "off", "layout": "off"}),
        ("--set options.tag_orders=2 --set train.ema_decay=0.9", "train", {"ema_decay": 0.9}),
        ("--set options.tag_orders=2", "options", {"tag_orders": 2, "shift": 3.0}),
        ("--accumulate_grad_batches 4 --batch_size 2", "train", {"accumulation": 4, "batch_size": 2}),
        ("--gradient_clip_val 2", "train", {"max_grad_norm": 2.0, "clip": "norm"}),
        ("--gradient_clip_algorithm value", "train", {"max_grad_norm": 0.5, "clip": "value"}),
        ("--gradient_clip_val 0", "train", {"max_grad_norm": 1e30}),
        ("--gradient_clip_val None", "train", {"max_grad_norm": 1e30}),
        ("--every_plot_step 5", "previews", {"every": 5}),
        ("--precision 32-true", "model", {"precision": "fp32"}),
        ("--precision bf16-mixed", "model", {"precision": "bf16"}),
        ("--precision 16", "model", {"precision": "fp16"}),
        ("--model pocket", "model", {"path": "pocket/ace_step"}),
        ("--model a/ACE-Step-mirror", "model", {"path": "a/ACE-Step-mirror", "family": "ace_step"}),
    ],
)  # fmt: skip
def test_a_flag_becomes_what_the_guide_says(argv: str, section: str, values: dict[str, Any]) -> None:
    made = getattr(recipe_of(*argv.split()), section)
    made = made if isinstance(made, dict) else made.model_dump()
    assert {key: made[key] for key in values} == values


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        ("--gate base_los=warn", "gates.base_los: unknown key; did you mean `gates.base_loss`?"),
        ("--gate base_loss=maybe", "gates.base_loss: "),
        ("--set train.batch_size=4", "--set train.batch_size=4: `train.batch_size` is decided by --batch_size here"),
        ("--val_check_interval 1.5", "1.5 is neither a whole number of updates nor a share of an epoch"),
        ("--val_check_interval 0.0", "0.0 is not a positive number"),
    ],
)
def test_a_wrong_gate_setting_or_interval_is_a_sentence(
    argv: str, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_doorway(trainer, ["--model", "pocket", "--lora_config_path", "lora.json", *argv.split()]) == 1
    assert sentence in capsys.readouterr().err


def test_the_lora_config_becomes_the_adapter() -> None:
    small_lora(Path("lora.json"), r=8, lora_dropout=0.1, use_rslora=True, use_dora=True, peft_type="LORA", bias="none")
    made = recipe_of().adapter.model_dump()
    assert (made["rank"], made["alpha"], made["dropout"], made["rslora"], made["kind"]) == (8, 8, 0.1, True, "dora")
    assert made["targets"] == ("to_q", "to_k", "to_v", "to_out.0")


def test_any_folder_of_clips_is_a_dataset() -> None:
    save(Path("mine/a.wav"), phrase(0, 2))
    Path("mine/a_prompt.txt").write_text("rap")
    data = recipe_of("--dataset_path", "mine").data
    assert (data.layout, data.folder) == ("trio", str(Path("mine").resolve()))
    assert data.max_seconds == 240


def test_checkpoint_dir_is_the_base_where_it_holds_one_and_else_where_saves_go(swift: Path) -> None:
    base = folders(TRAIN_DEFAULTS["model"], str(swift))
    assert (base.base, base.saves) == (str(swift), None)
    assert "so it is the base model" in str(base.note)
    saves = folders("pocket", "mine")
    assert (saves.base, saves.saves) == ("pocket/ace_step", Path("mine").resolve())
    assert "so adapters are saved in it" in str(saves.note)
    assert folders("pocket", None).note is None
    assert folders(str(swift), str(swift)).base == str(swift)
    with pytest.raises(TunesmithError, match="name two base models"):
        folders("pocket", str(swift))
    shutil.copytree(swift / "umt5-base", "half/umt5-base")
    with pytest.raises(TunesmithError, match=r"a part of a base model \(umt5-base\)"):
        folders("pocket", "half")


def test_an_epoch_is_the_rows_of_the_dataset() -> None:
    def clip(name: str, repeats: int, end: float | None = None) -> Sample:
        return Sample(f"{name}@{end}", {"audio": AudioRef(name, 0.0, end)}, repeats=repeats)

    rows = [clip("a", 2000, 10.0), clip("a", 1, 20.0), clip("b", 3)]
    assert listed_epoch(rows, 1) == 2003
    assert listed_epoch(rows, 4) == 501
    assert listed_epoch([], 4) == 1


def test_two_runs_of_one_second_get_two_folders() -> None:
    logs = Path("logs")
    made = [new_run(logs, "x"), new_run(logs, "x"), new_run(logs, "y-x")]
    assert len({run.path for run in made}) == 3
    assert runs_of(logs, "x") == []  # nothing came past its checks
    for run in made:
        run.stage("encode").parent.mkdir()
        run.stage("encode").write_text("{}")
    assert [run.path for run in runs_of(logs, "x")] == [run.path for run in made[:2]]
    assert runs_of(Path("nowhere"), "x") == []


# --- the dataset ------------------------------------------------------------------------------------------------------


def test_every_format_in_every_folder_is_converted_and_lyrics_may_be_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    datasets = pytest.importorskip("datasets")
    names = ("a.mp3", "b.flac", "deep/er/a.ogg", "c.wav")
    for number, name in enumerate(names):
        path = save(Path("data") / name, phrase(number, 2))
        path.with_name(f"{path.stem}_prompt.txt").write_text("rap, dark，深沉\n", encoding="utf-8")
    Path("data/a_lyrics.txt").write_bytes("\ufeff[Verse]\r\n我们\r\n".encode())
    labels = {"id": "c.wav", "status": "ok", "audio": "x", "key": "y", "provider": "endpoint"}
    told = {"simplified": "rap", "analysis": {"genre": ["rap"]}}
    Path("data/labels.jsonl").write_text(json.dumps({**labels, "recaption": told}) + "\n")
    shutil.rmtree("zh_lora_dataset")
    assert run_doorway(convert2hf_dataset, ["--data_dir", "./data/", "--repeat_count", "2"]) == 0
    rows = list(datasets.load_from_disk("zh_lora_dataset"))
    assert len(rows) == 8
    assert rows[:4] == rows[4:]
    by_key = {row["keys"]: row for row in rows}
    assert {key: row["filename"] for key, row in by_key.items()} == {
        "a": "data/a.mp3", "b": "data/b.flac", "deep_er_a": "data/deep/er/a.ogg", "c": "data/c.wav",
    }  # fmt: skip
    assert by_key["a"]["tags"] == ["rap", "dark", "深沉"]
    assert by_key["a"]["norm_lyrics"] == "[Verse]\n我们"
    assert by_key["b"]["norm_lyrics"] == ""
    assert by_key["c"]["recaption"] == {"simplified": "rap"}
    assert "4 clips x 2 = 8 rows in zh_lora_dataset; 3 clips have no lyrics" in capsys.readouterr().out


def test_an_earlier_dataset_is_replaced_and_anything_else_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    save(Path("data/a.wav"), phrase(0, 2))
    Path("data/a_prompt.txt").write_text("rap")
    Path("zh_lora_dataset/notes.txt").write_text("mine")
    assert run_doorway(convert2hf_dataset, []) == 1
    assert "this is there already and is no dataset" in capsys.readouterr().err
    assert [path.name for path in Path("zh_lora_dataset").iterdir()] == ["notes.txt"]
    for repeats in ("1", "5"):
        assert run_doorway(convert2hf_dataset, ["--output_name", "new", "--repeat_count", repeats]) == 0
    assert "1 clips x 5 = 5 rows" in capsys.readouterr().out
    assert sorted(path.name for path in Path("new").iterdir()) == sorted(
        ["data-00000-of-00001.arrow", "dataset_info.json", "state.json"]
    )


# --- runs -------------------------------------------------------------------------------------------------------------


@contextmanager
def interruption() -> Iterator[None]:
    """Ctrl-C during the third update."""
    from tunesmith.training import trainer as training

    original = training.train_update

    def interrupt(state: Any, *, stop: bool = False) -> Any:
        if state.progress.update == 2:
            os.kill(os.getpid(), signal.SIGINT)
            stop = True
        return original(state, stop=stop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train_update", interrupt)
        yield


def test_resume_auto_goes_on_where_it_was_stopped(quick: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    flags = [*quick, "--max_steps", "4", "--exp_name", "mine"]
    with interruption():
        assert run_doorway(trainer, [*flags, "--resume", "auto"]) == 128 + signal.SIGINT
    told = capsys.readouterr()
    assert "there is no run of mine in exps/logs/lightning_logs yet, so this is the first" in told.out
    assert "The same flags with --resume auto go on from there." in told.err
    run = only_run("mine")
    assert (run / "checkpoints" / "epoch=0-step=3_lora").is_dir()
    assert run_doorway(trainer, [*flags, "--resume", "auto"]) == 0
    said = capsys.readouterr().out
    assert "step-000003" in said
    assert "update 4/4" in said
    assert "update 1/4" not in said
    assert only_run("mine") == run
    assert run_doorway(trainer, [*flags, "--resume", "auto"]) == 0
    assert "train: nothing has changed, skipped" in capsys.readouterr().out


def test_ckpt_path_goes_on_in_a_run_of_its_own_to_the_same_end(
    quick: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_doorway(trainer, [*quick, "--max_steps", "4", "--exp_name", "whole", "--checkpoint_dir", "kept"]) == 0
    whole = only_run("whole")
    assert sorted(path.name for path in Path("kept").iterdir()) == ["epoch=0-step=2_lora", "epoch=0-step=4_lora"]
    assert not list((whole / "checkpoints").glob("epoch=*"))
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    start = whole / "checkpoints" / "step-000002"
    assert run_doorway(trainer, [*quick, "--max_steps", "4", "--exp_name", "part", "--ckpt_path", str(start)]) == 0
    part = only_run("part")
    assert adapter(part / "final_model") == adapter(whole / "final_model") == adapter(Path("kept/epoch=0-step=4_lora"))
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == before
    updates = [json.loads(line)["update"] for line in (part / "metrics.jsonl").read_text().splitlines()]
    assert updates == sorted(updates)
    assert {0, 4} < set(updates)
    capsys.readouterr()
    # Adapters of another run are never replaced.
    assert run_doorway(trainer, [*quick, "--max_steps", "2", "--checkpoint_dir", "kept"]) == 1
    assert "this folder holds the adapters of another run (epoch=0-step=2_lora, …)" in capsys.readouterr().err


def test_epochs_end_a_run_before_max_steps(quick: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    batch = ["--batch_size", "2", "--accumulate_grad_batches", "3"]
    assert run_doorway(trainer, [*quick, *batch, "--epochs", "1", "--val_check_interval", "0.25"]) == 0
    said = capsys.readouterr().out
    assert (
        "an epoch is 4 updates (the dataset's rows, repeats counted), so this run is 1.0 epochs" in said
    )  # 24 rows / 6
    assert "each of the 6 training clips is drawn about 4 times" in said
    run = only_run()
    assert yaml.safe_load((run / "recipe.resolved.yaml").read_text())["train"]["updates"] == 4
    assert (run / "checkpoints" / "epoch=0-step=4_lora").is_dir()
    assert "the guide's 2000000" not in said
    # A quarter of an epoch, as Lightning reads a share.
    assert [line["update"] for line in lines_of(run, "valid")] == [0, 1, 2, 3, 4]
    assert "--val_check_interval 0.25: held-out loss is measured every 1 updates" in said


def test_a_run_without_an_end_says_so_and_idle_flags_too(quick: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    small_lora(Path("lora.json"), target_modules=["to_q", "speaker_embedder"])
    idle = ["--num_workers", "2", "--reload_dataloaders_every_n_epochs", "0", "--val_check_interval", "2"]
    with interruption():
        assert run_doorway(trainer, [*quick, *idle]) == 128 + signal.SIGINT
    said = capsys.readouterr().out
    for words in (
        "--max_steps is the guide's 2000000, ",
        "Ctrl-C finishes the update and saves, --resume auto goes on",
        "--num_workers has nothing to do",
        "drawn anew in every epoch anyway",
        "--every_plot_step 0: no curves and no audio",
        "speaker_embedder gets no gradient",
    ):
        assert words in said, words
    assert "--val_check_interval None" not in said


def launch(flags: list[str], **environment: str) -> subprocess.Popen[str]:
    script = Path(__file__).parents[2] / "scripts" / "ace_step" / "trainer.py"
    return subprocess.Popen(
        [sys.executable, str(script), *flags],
        env={**plain_environment(), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_devices_are_two_processes_of_one_run(quick: list[str]) -> None:
    started = launch([*quick, "--max_steps", "2", "--devices", "2"])
    out, err = started.communicate(timeout=300)
    assert started.returncode == 0, err[-3000:]
    assert "2 updates of 2 clips" in out
    assert out.count("update 2/2  train loss") == 1
    run = only_run()
    assert (run / "checkpoints" / "epoch=0-step=2_lora" / "adapter_model.safetensors").is_file()
    assert len(list((run / "processes").rglob("stdout.log"))) == 1  # of the one that is silent here


@pytest.mark.slow
def test_two_machines_train_one_run(quick: list[str]) -> None:
    flags = [*quick, "--max_steps", "2", "--num_nodes", "2"]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(29700 + os.getpid() % 200)}
    started = [launch(flags, NODE_RANK=rank, **place) for rank in ("1", "0")]
    said = [one.communicate(timeout=300) for one in started]
    assert [one.returncode for one in started] == [0, 0], said
    assert "the first one checks and encodes" in said[0][0]
    assert "2 updates of 2 clips" in said[1][0]
    together = only_run()
    alone = [*quick, "--max_steps", "2", "--accumulate_grad_batches", "2", "--exp_name", "alone"]
    assert run_doorway(trainer, alone) == 0
    lines = [lines_of(run, "train") for run in (together, only_run("alone"))]
    assert [[line["update"] for line in of] for of in lines] == [[1, 2], [1, 2]]
    assert [line["loss"] for line in lines[0]] == pytest.approx([line["loss"] for line in lines[1]], rel=1e-5)
    ours, theirs = (
        load_file(run / "final_model" / "adapter_model.safetensors") for run in (together, only_run("alone"))
    )
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        np.testing.assert_allclose(tensor, theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)

"""Flags and config.yaml of the MusicGen doorways, run inside this process."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tunesmith.doorways.common import Parser, run_doorway
from tunesmith.doorways.musicgen import options
from tunesmith.doorways.musicgen.evaluate import evaluate, read_prompts
from tunesmith.doorways.musicgen.inference_lora import inference_lora
from tunesmith.doorways.musicgen.prepare_data import prepare_data
from tunesmith.doorways.musicgen.train_lora import as_recipe, train_lora
from tunesmith.errors import TunesmithError
from tunesmith.pocket.examples import make_examples
from tunesmith.texts import NOTHING, as_message

QUICK = ["--target_duration", "1", "--batch_size", "2", "--gradient_accumulation_steps", "1"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    make_examples(folder, 6)
    return folder


@pytest.fixture
def data(examples: Path, tmp_path: Path) -> Path:
    """Six example clips where the commands look for them."""
    return Path(shutil.copytree(examples, tmp_path / "finetune" / "data"))


@pytest.fixture(scope="module")
def trained(taught: Path, examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one short training."""
    output = tmp_path_factory.mktemp("trained") / "output"
    flags = ["--model_path", str(taught), "--data_dir", str(examples), "--output_dir", str(output), "--num_epochs", "1"]
    assert run_doorway(train_lora, [*flags, *QUICK]) == 0
    return output


def parsed(text: str, argv: list[str], name: str, defaults: dict, derive: Callable = dict) -> argparse.Namespace:
    Path("config.yaml").write_text(text, encoding="utf-8")
    parser = Parser(name, as_message(""), defaults, options.TYPES, derive)
    for key, value in defaults.items():
        parser.switch(key, NOTHING) if isinstance(value, bool) else parser.value(key, NOTHING)
    args = parser.read(argv)
    parser.check_config_keys(args, options.COMMANDS)
    return args


def test_a_flag_goes_before_its_section_the_section_before_the_shared_key_and_that_before_the_default() -> None:
    text = "learning_rate: 1e-4\nbatch_size: 3\nlogging_steps: 7\ntrain_lora:\n  batch_size: 5\n  logging_steps: 8\n"
    args = parsed(text, ["--logging_steps", "9"], "train_lora", options.TRAIN_DEFAULTS)
    assert (args.logging_steps, args.batch_size, args.learning_rate, args.num_epochs) == (9, 5, 1e-4, 5)


def test_output_dir_of_config_means_the_run_to_every_command() -> None:
    text = "output_dir: out\ndata_dir: clips\nmodel_path: pocket\n"
    assert parsed(text, [], "train_lora", options.TRAIN_DEFAULTS).output_dir == "out"
    assert parsed(text, [], "prepare_data", options.PREPARE_DEFAULTS, options.of_prepare).output_dir == "clips"
    both = {**options.GENERATE_DEFAULTS, "output_dir": "x"}
    for name, derive, folder in (
        ("inference_lora", options.of_inference, "out/generated"),
        ("evaluate", options.of_evaluate, "out/evaluation"),
    ):
        args = parsed(text, [], name, both, derive)
        assert (args.output_dir, args.lora_model_path, args.base_model_path) == (folder, "out/best_model", "pocket")
        own = parsed(f"{text}lora_model_path: mine\n{name}: {{output_dir: there}}\n", [], name, both, derive)
        assert (own.output_dir, own.lora_model_path) == ("there", "mine")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("lora_rnk: 4", "unknown key `lora_rnk`. Did you mean `lora_rank`?"),
        ("train_lora: {prompts: a}", "config.yaml: train_lora: unknown key `prompts`"),
        ("train_lora: 3", "config.yaml: train_lora: this must be a section"),
        ("lora_rank: -4", "config.yaml: lora_rank: -4 is not a positive whole number"),
        ("fp16: maybe", "config.yaml: fp16: `maybe` is neither true nor false"),
        ("- a\n- b", "must be a list of `key: value` lines"),
        ("a: [", "this is not YAML"),
    ],
)
def test_a_wrong_config_is_refused(text: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("config.yaml").write_text(text)
    assert run_doorway(train_lora, []) == 1
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "argv", "words"),
    [
        (train_lora, ["--fp16", "--bf16"], "--fp16 and --bf16 contradict each other"),
        (train_lora, ["--lora_rank", "-4"], "--lora_rank: -4 is not a positive whole number"),
        (train_lora, ["--lora_rank", "5000"], "adapter.rank: must be at most 1024"),
        (train_lora, ["--lora_dropout", "1"], "--lora_dropout: 1 is not below 1"),
        (train_lora, ["--learning_rate", "fast"], "--learning_rate: "),
        (train_lora, ["--max_duration", "0"], "--max_duration: 0 is not a positive number"),
        (train_lora, ["--target_duration", "nan"], "--target_duration: nan is not a positive number"),
        (train_lora, ["--data_dir", "nowhere"], "nowhere/metadata.json: there is no such metadata file"),
        (train_lora, ["--model_path", "./nowhere"], "nowhere"),
        (train_lora, ["--model_path", "facebook/musicgen-melody"], "MusicGen-melody is not supported"),
        (prepare_data, [], "no clips are named"),
        (prepare_data, ["--create_example", "--input_dir", "."], "--create_example and --input_dir contradict"),
        (prepare_data, ["--create_example", "--default_text", "a"], "--create_example and --default_text contradict"),
        (prepare_data, ["--input_dir", ".", "--num_samples", "3"], "--num_samples counts example clips"),
        (prepare_data, ["--create_example", "--num_samples", "0"], "--num_samples: 0 is not"),
        (prepare_data, ["--input_dir", "nowhere"], "nowhere"),
        (inference_lora, [], "no prompts are given"),
        (inference_lora, ["--prompts", " "], "a prompt is empty"),
        (inference_lora, ["--prompts", "a", "--duration", "0"], "--duration: 0 is not a positive number"),
        (inference_lora, ["--prompts", "a", "--lora_model_path", "nowhere"], "there is no such adapter folder"),
        (evaluate, ["--duration", "-1"], "--duration: -1 is not a positive number"),
        (evaluate, ["--test_prompts", "a.json", "b"], "a file of prompts stands alone"),
        (evaluate, ["--test_prompts", "missing.json"], "missing.json: no such file"),
        (evaluate, ["--config", "missing.yaml"], "missing.yaml: there is no such config file"),
    ],
)  # fmt: skip
def test_a_bad_combination_is_refused_with_a_sentence(
    command: Callable, argv: list[str], words: str, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(p for p in data.parent.rglob("*"))
    assert run_doorway(command, argv) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ")
    assert words in err
    assert "Traceback" not in err
    assert sorted(p for p in data.parent.rglob("*")) == before


@pytest.mark.parametrize("argv", [["--learning_rat", "1"], ["--nonsense"]])
def test_an_unknown_flag_is_a_usage_error(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run_doorway(train_lora, argv)
    assert ended.value.code == 2
    assert argv[0] in capsys.readouterr().err


def test_debug_shows_where_it_went_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_doorway(prepare_data, ["--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_prompts_from_a_file_are_a_list_or_an_object(tmp_path: Path) -> None:
    prompts = ["a beat, dark", "另一个节拍"]
    for name, content in (("list.json", prompts), ("object.json", {"prompts": prompts})):
        Path(name).write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
        assert read_prompts([name]) == prompts
    assert read_prompts(["a, b", "c"]) == ["a, b", "c"]
    assert read_prompts("a, b") == ["a, b"]
    for bad in ([], {"texts": prompts}, [1], [" "], "a"):
        Path("bad.json").write_text(json.dumps(bad))
        with pytest.raises(TunesmithError, match="must hold a list of strings"):
            read_prompts(["bad.json"])


def test_max_duration_is_the_longest_crop_and_at_most_what_the_model_knows(
    data: Path, taught: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--model_path", str(taught), "--num_epochs", "1", *QUICK]
    assert run_doorway(train_lora, [*flags, "--max_duration", "2"]) == 0
    metrics = [json.loads(line) for line in Path("finetune/output/metrics.jsonl").read_text().splitlines()]
    tokens = [record["tokens"] for record in metrics if record["kind"] == "train"]
    assert max(tokens) <= 2 * 2 * 50 + 10  # two clips of two seconds at 50 frames per second
    values = {**options.TRAIN_DEFAULTS, "max_duration": 90.0}
    assert as_recipe(argparse.Namespace(**values))["data"]["max_seconds"] == 30
    capsys.readouterr()


def test_resume_goes_on_where_it_was_interrupted(
    data: Path, taught: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from tunesmith.training import trainer as training

    flags = ["--model_path", str(taught), "--num_epochs", "3", "--save_steps", "2", *QUICK]
    original = training.train_update

    def interrupt(state, *, stop=False):  # type: ignore[no-untyped-def]
        if state.progress.update == 2:
            os.kill(os.getpid(), signal.SIGINT)
            stop = True
        return original(state, stop=stop)

    monkeypatch.setattr(training, "train_update", interrupt)
    assert run_doorway(train_lora, [*flags, "--resume"]) == 128 + signal.SIGINT
    told = capsys.readouterr()
    assert "so this starts from the beginning" in told.out
    assert "everything up to this update is saved" in told.err
    monkeypatch.setattr(training, "train_update", original)
    assert run_doorway(train_lora, [*flags, "--resume"]) == 0
    said = capsys.readouterr().out
    assert "continuing from finetune/output/checkpoints/step-000003" in said
    assert "update 6/6" in said
    assert "update 1/6" not in said
    assert run_doorway(train_lora, [*flags, "--resume"]) == 0
    assert "train: nothing has changed, skipped" in capsys.readouterr().out


def test_a_gate_that_stops_leaves_the_earlier_adapter_alone(
    trained: Path, tiny: Path, examples: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {p: p.read_bytes() for name in ("best_model", "final_model") for p in (trained / name).iterdir()}
    metrics = (trained / "metrics.jsonl").read_bytes()
    flags = ["--model_path", str(tiny), "--data_dir", str(examples), "--output_dir", str(trained), *QUICK]
    assert run_doorway(train_lora, flags) == 1
    assert "gate base_loss" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in kept} == kept
    assert (trained / "metrics.jsonl").read_bytes() == metrics
    assert (trained / "recipe.previous.yaml").exists()


def test_an_adapter_of_another_published_model_is_refused(
    trained: Path, taught: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = shutil.copytree(taught, tmp_path / "musicgen-stereo-small")
    flags = ["--lora_model_path", str(trained / "best_model"), "--prompts", "808", "--duration", "1"]
    assert run_doorway(inference_lora, ["--base_model_path", str(other), *flags]) == 1
    assert "this adapter was trained on" in capsys.readouterr().err
    renamed = shutil.copytree(taught, tmp_path / "my-copy")
    assert run_doorway(inference_lora, ["--base_model_path", str(renamed), *flags]) == 0
    assert "Are they the same?" in capsys.readouterr().out


def test_an_adapter_that_does_not_fit_is_refused(
    trained: Path, tiny_stereo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tests.tiny import tiny_musicgen

    wide = tiny_musicgen(tmp_path / "wide", hidden=32)
    flags = ["--lora_model_path", str(trained / "best_model"), "--prompts", "808", "--duration", "1"]
    assert run_doorway(inference_lora, ["--base_model_path", str(wide), *flags]) == 1
    assert "this adapter does not fit" in capsys.readouterr().err

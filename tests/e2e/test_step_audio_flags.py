"""The YAML of the Step-Audio guide: every key reaches the recipe, or is told; what cannot be used is a sentence."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.e2e.test_musicgen_doorways import REPOSITORY
from tunesmith.doorways.common import run_doorway
from tunesmith.doorways.step_audio.config import DEFAULT, Config, read_config
from tunesmith.doorways.step_audio.finetune_demo import COMMANDS, finetune_demo, opened, parser
from tunesmith.doorways.step_audio.place import places
from tunesmith.doorways.step_audio.words import remarks
from tunesmith.errors import TunesmithError
from tunesmith.recipe.models import Recipe

SCRIPTS = REPOSITORY / "scripts" / "step_audio_editx"
SHIPPED = SCRIPTS / DEFAULT
Capsys = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the sample and a config of the pocket model."""
    shutil.copytree(SCRIPTS / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    config({})
    return tmp_path


def config(changes: dict[str, dict[str, Any] | None], name: str = DEFAULT) -> Path:
    """A config of the pocket model with these sections instead of the default's."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    base: dict[str, Any] = {"model": {"llm": {"model_path": "pocket"}}}
    path.write_text(yaml.safe_dump({**base, **changes}, sort_keys=False), encoding="utf-8")
    return path


def recipe_of(changes: dict[str, Any], mode: str = "both") -> Recipe:
    """The recipe that a config comes to."""
    given = read_config(config(changes))
    return opened(given, mode, places(given), None, "test").recipe


def told(changes: dict[str, Any], mode: str = "both") -> str:
    return "\n".join(remarks(read_config(config(changes)), mode))


def refused(capsys: Capsys, argv: Sequence[str] = ()) -> str:
    """What is said on standard error; nothing may have been made."""
    assert run_doorway(finetune_demo, list(argv)) == 1
    assert not Path("ckpt").exists()
    return capsys.readouterr().err


# --- values ----------------------------------------------------------------------------------------------------------


def test_the_shipped_file_is_the_guide_s() -> None:
    given = read_config(SHIPPED)
    stage = {"stage1_epochs": 25, "stage2_epochs": 25, "stage3_epochs": 5}
    paths = {"train_path": "./data/train.jsonl", "val_path": "./data/val.jsonl"}
    model = Config().model
    flow = model.flow.model_copy(update={"model_path": "./pretrained_models/Step-Audio-EditX/CosyVoice-300M-25Hz"})
    assert given.config.stage == Config().stage.model_copy(update=stage)
    assert given.config.data == Config().data.model_copy(update=paths)
    assert given.config.model == model.model_copy(update={"flow": flow})
    for section in ("basic", "optim", "save", "loss"):
        assert getattr(given.config, section) == getattr(Config(), section)
    assert yaml.safe_load(SHIPPED.read_text())["optim"]["lr_llm"] == "1e-4"  # text to PyYAML, and still a number here
    assert given.config.optim.lr_llm == 1e-4


def test_defaults_reach_the_recipe() -> None:
    recipe = recipe_of({})
    train, adapter = recipe.train, recipe.adapter
    assert (train.learning_rate, train.warmup_updates, train.max_grad_norm) == (1e-4, 3000, 5.0)
    assert (train.batch_size, train.accumulation, train.weight_decay, train.seed) == (2, 4, 0.01, 42)
    assert (adapter.rank, adapter.alpha, adapter.dropout) == (8, 32, 0.05)
    assert adapter.targets == ("q_proj", "v_proj", "k_proj")
    assert (adapter.networks["flow"].kind, adapter.networks["flow"].learning_rate) == ("full", 1e-5)
    assert {name: stage.epochs for name, stage in train.stages.items()} == {"llm": 25, "flow": 25, "joint": 5}
    assert train.stages["joint"].lr_factor == 0.1
    assert {"train": "both", "llm_weight": 0.4, "flow_weight": 0.6, "flow_steps": 10}.items() <= recipe.options.items()
    assert train.log_every == 12  # 50 batches of 4 per update
    assert recipe.data.layout == "pairs"


@pytest.mark.parametrize(
    ("section", "values", "found"),
    [
        ("basic", {"seed": 7}, lambda r: r.train.seed == 7),
        (
            "optim",
            {"lr_llm": "3e-4", "lr_flow": "2e-6"},
            lambda r: (r.train.learning_rate, r.adapter.networks["flow"].learning_rate) == (3e-4, 2e-6),
        ),
        (
            "optim",
            {"accum_grad": 1, "grad_clip": 2, "weight_decay": 0},
            lambda r: (r.train.accumulation, r.train.max_grad_norm, r.train.weight_decay) == (1, 2, 0),
        ),
        ("optim", {"warmup_steps": 0}, lambda r: r.train.warmup_updates == 0),
        (
            "loss",
            {"llm_weight": 1, "flow_weight": 2},
            lambda r: (r.options["llm_weight"], r.options["flow_weight"]) == (1, 2),
        ),
        ("stage", {"joint_lr_scale": 0.5}, lambda r: r.train.stages["joint"].lr_factor == 0.5),
        ("data", {"max_frames_in_batch": 2000}, lambda r: r.train.token_budget == 2000),
        ("data", {"max_audio_len": 10}, lambda r: r.checks.max_seconds == 10),
        (
            "data",
            {"filter": {"max_length": 1200, "min_length": 100}},
            lambda r: (r.checks.max_seconds, r.checks.min_seconds) == (12, 1),
        ),
        ("data", {"filter": {"max_length": 40960}}, lambda r: r.checks.max_seconds == 30),
        (
            "data",
            {"train_data": "data/train.jsonl", "cv_data": "data/val.jsonl"},
            lambda r: r.data.valid_file.endswith("val.jsonl"),
        ),
        ("save", {"ckpt_dir": "./out/mine"}, lambda r: r.name == "mine"),
    ],
)
def test_every_value_is_used(section: str, values: dict[str, Any], found: Any) -> None:
    assert found(recipe_of({section: values}))


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("lora_r", 4, lambda r: r.adapter.rank == 4),
        ("lora_alpha", 8, lambda r: r.adapter.alpha == 8),
        ("lora_dropout", 0, lambda r: r.adapter.dropout == 0),
        ("lora_target_modules", ["q_proj", "down_proj"], lambda r: r.adapter.targets == ("q_proj", "down_proj")),
    ],
)
def test_every_lora_key_is_used(key: str, value: Any, found: Any) -> None:
    assert found(recipe_of({"model": {"llm": {"model_path": "pocket", key: value}}}))


def test_keys_of_the_flow() -> None:
    pocket = {"llm": {"model_path": "pocket"}}
    options = recipe_of({"model": {**pocket, "flow": {"freeze_encoder": False, "n_timesteps": 4}}}).options
    assert (options["freeze_encoder"], options["flow_steps"]) == (False, 4)
    light = recipe_of({"model": {**pocket, "flow": {"lora": True}}}).adapter.of("flow")
    assert (light.kind, light.rank, light.targets) == ("lora", 16, ("to_q", "to_k", "to_v", "proj", "fc1", "fc2"))


@pytest.mark.parametrize(
    ("mode", "changes", "epochs"),
    [
        ("both", {}, (25, 25, 5)),
        ("llm", {}, (25, 0, 0)),
        ("flow", {}, (0, 25, 0)),
        ("both", {"basic": {"max_epoch": 9}}, (9, 9, 9)),
        ("both", {"basic": {"max_epoch": 9}, "stage": {"stage1_epochs": 2, "stage3_epochs": 0}}, (2, 9, 0)),
        ("flow", {"stage": {"stage2_epochs": 3}}, (0, 3, 0)),
    ],
)
def test_stage_epochs_decide(mode: str, changes: dict[str, Any], epochs: tuple[int, ...]) -> None:
    found = recipe_of(changes, mode).train.stages
    assert tuple(found[name].epochs for name in ("llm", "flow", "joint")) == epochs


def test_the_list_alone_is_split_and_relative_paths_belong_to_the_working_directory() -> None:
    recipe = recipe_of({"data": {"train_path": "data/train.jsonl"}})
    assert (recipe.data.folder, recipe.data.valid_file) == (str(Path("data/train.jsonl").resolve()), "")


# --- what is told ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        ("data", {"num_workers": 4}, "data.num_workers has no effect: audio is encoded once"),
        ("data", {"prefetch_factor": 100}, "data.prefetch_factor has no effect"),
        ("data", {"pin_memory": True}, "data.pin_memory has no effect"),
        ("data", {"shuffle_size": 1000}, "data.shuffle_size has no effect: the whole list is shuffled"),
        ("data", {"sort_size": 500}, "data.sort_size has no effect"),
        ("data", {"max_text_len": 200}, "data.max_text_len has no effect"),
        ("data", {"filter": {"token_max_length": 200}}, "data.filter.token_max_length has no effect"),
        ("data", {"filter": {"token_min_length": 1}}, "data.filter.token_min_length has no effect"),
        ("data", {"sample_rate": 16000}, "data.sample_rate has no effect: every part gets the rate"),
        ("data", {"token_mel_ratio": 4}, "data.token_mel_ratio has no effect: it is 2"),
        ("data", {"use_spk_embedding": False}, "data.use_spk_embedding has no effect"),
        ("data", {"max_frames_in_batch": 2000}, "batch_size, which is not given, is 2"),
        ("data", {"max_audio_len": 60}, "clips over 30 s are left out although the file allows 60 s"),
        ("data", {"filter": {"max_length": 40960}}, "although the file allows 409.6 s"),
        ("save", {"save_best": False}, "save.save_best has no effect"),
    ],
)  # fmt: skip
def test_keys_without_effect_are_told_at_their_line(section: str, values: dict[str, Any], words: str) -> None:
    said = told({section: values})
    assert words in said
    if "clips over" not in words:
        assert f"{DEFAULT}:" in said
    assert words not in told({})


def test_more_that_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths = {"stage1_epochs": 1, "stage2_epochs": 1, "stage3_epochs": 1}
    assert "basic.max_epoch does not count" in told({"basic": {"max_epoch": 50}, "stage": lengths})
    assert "does not count" not in told({"basic": {"max_epoch": 50}})
    pocket = {"llm": {"model_path": "pocket"}}
    assert "the vocoder is never trained here" in told({"model": {**pocket, "flow": {"freeze_vocoder": False}}})
    assert "the adapter goes on the decoder's layers" in told(
        {"model": {**pocket, "flow": {"lora": True, "freeze_encoder": False}}}
    )
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "there is no CUDA device here; the best that is there is used" in told({"basic": {"device": "cuda"}})
    assert "CUDA" not in told({"basic": {"device": "cpu"}})
    assert recipe_of({"basic": {"device": "cuda"}}).model.device == "auto"


# --- what cannot be used ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("optim:\n  lr_lm: 1e-4\n", ":2: optim.lr_lm: unknown key; did you mean `optim.lr_llm`?"),
        ("data:\n  train_pth: x\n", ":2: data.train_pth: unknown key; did you mean `data.train_path`?"),
        ("model:\n  llm:\n    lora_rank: 8\n", ":3: model.llm.lora_rank: unknown key"),
        ("optim:\n  lr_llm: fast\n", ":2: optim.lr_llm: must be a number, not `fast`"),
        ("optim:\n  lr_llm: 0\n", ":2: optim.lr_llm: must be greater than 0"),
        ("basic:\n  train_mode: all\n", ":2: basic.train_mode: must be one of both, llm, flow, not `all`"),
        ("basic: 3\n", ":1: basic: must be a section"),
        ("stage:\n  stage1_epochs: -1\n", ":2: stage.stage1_epochs: must be at least 0"),
        ("data:\n  train_path: a\n  train_data: b\n", ":2: data.train_path: means the same as data.train_data"),
        ("basic:\n  seed: !!python/object 1\n", ":2: YAML tags"),
        ("basic: [\n", "this is not YAML"),
    ],
)
def test_a_file_that_cannot_be_used(text: str, words: str, capsys: Capsys) -> None:
    Path(DEFAULT).write_text(text)
    err = refused(capsys)
    assert f"error: {DEFAULT}" in err
    assert words in err


def test_every_problem_at_once(capsys: Capsys) -> None:
    Path(DEFAULT).write_text("optim:\n  lr_lm: 1\nsave:\n  ckpt: x\n")
    err = refused(capsys)
    assert "2 problems" in err
    assert ":2: optim.lr_lm" in err
    assert ":4: save.ckpt" in err


@pytest.mark.parametrize(
    ("model", "mode", "words"),
    [
        (
            {"llm": {"model_path": "./nowhere"}},
            "both",
            (
                "model.llm.model_path: there is no model folder ./nowhere",
                "hf download stepfun-ai/Step-Audio-EditX --local-dir ./nowhere",
                "7.8 GB, Apache-2.0",
            ),
        ),
        (
            {"llm": {"model_path": "data"}},
            "both",
            (
                "these files are missing: model-00001.safetensors (the LLM, 7.1 GB), config.json",
                "flow.pt (the flow, 0.6 GB)",
                "campplus.onnx",
            ),
        ),
        (
            {"llm": {"model_path": "pocket"}, "flow": {"model_path": "./nowhere"}},
            "flow",
            ("model.flow.model_path: there is no flow folder ./nowhere",),
        ),
        (
            {"llm": {"model_path": "pocket"}, "flow": {"model_path": "./data"}},
            "flow",
            ("CosyVoice-300M-25Hz/cosyvoice.yaml (the flow's config)",),
        ),
        (
            {"llm": {"model_path": "pocket"}, "tokenizer": {"model_path": "./nowhere"}},
            "both",
            (
                "model.tokenizer.model_path: there is no such tokenizer folder",
                "1.5 GB",
                "stepfun-ai/Step-Audio-Tokenizer",
            ),
        ),
        (
            {"llm": {"model_path": "pocket", "lora": False}},
            "llm",
            ("model.llm.lora: of the LLM a LoRA adapter is trained", "--mode flow"),
        ),
        (
            {"llm": {"model_path": "pocket", "freeze_backbone": False}},
            "both",
            ("model.llm.freeze_backbone: of the LLM a LoRA",),
        ),
        (
            {"llm": {"model_path": "pocket", "lora_target_modules": ["q_proj", "to_q"]}},
            "both",
            ("the LLM has no layer to_q. It has q_proj, k_proj",),
        ),
        ({"llm": {"model_path": "pocket", "lora_target_modules": []}}, "both", ("no layer is named",)),
    ],
)
def test_a_model_section_that_cannot_be_used(model: Any, mode: str, words: Sequence[str], capsys: Capsys) -> None:
    config({"model": model})
    err = refused(capsys, ["--mode", mode])
    for one in words:
        assert one in err, err


def test_the_flow_alone_needs_no_lora() -> None:
    assert recipe_of({"model": {"llm": {"model_path": "pocket", "lora": False}}}, "flow").options["train"] == "flow"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"train_path": "data/none.jsonl"}, "data.train_path: there is no list data/none.jsonl. Write one line per"),
        ({"train_data": "data/none.jsonl"}, "data.train_data: there is no list data/none.jsonl"),
        ({"val_path": "data/none.jsonl"}, "data.val_path: there is no list data/none.jsonl"),
        ({"train_data": "data/data.list"}, "data.train_data: data/data.list is no JSONL; lists of parquet files"),
    ],
)
def test_lists_that_are_not_there(data: dict[str, str], words: str, capsys: Capsys) -> None:
    Path("data/data.list").write_text("x.parquet\n")
    config({"data": data})
    assert words in refused(capsys)


def test_flags(capsys: Capsys) -> None:
    assert "nowhere.yaml: there is no such config file. Check --config" in refused(capsys, ["--config", "nowhere.yaml"])
    flags = {flag.removeprefix("--") for action in parser()._actions for flag in action.option_strings if "--" in flag}
    assert flags == COMMANDS["finetune_demo"] | {"debug", "help"}
    for argv in (["--mode", "all"], ["--mod", "llm"]):
        with pytest.raises(SystemExit):
            run_doorway(finetune_demo, argv)
    assert run_doorway(finetune_demo, ["--test"]) == 1
    assert "nothing was trained here yet. Run the same command without --test" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("resume", "words"),
    [
        ("ckpt/finetune/llm_best.pt", "a file of weights has no optimizer's state to go on with. Write --resume alone"),
        ("data", "this is not the newest checkpoint of ckpt/finetune. It has none yet"),
    ],
)
def test_what_cannot_be_resumed(resume: str, words: str, capsys: Capsys) -> None:
    assert words in refused(capsys, ["--resume", resume])


def test_the_mode_on_the_command_line_goes_before_the_file() -> None:
    given = read_config(config({"basic": {"train_mode": "flow"}}))
    assert given.config.basic.train_mode == "flow"
    with pytest.raises(TunesmithError, match="never all"):
        recipe_of({"model": {"llm": {"model_path": "pocket", "lora": False}}}, "llm")

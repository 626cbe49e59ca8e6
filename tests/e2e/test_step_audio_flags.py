"""The YAML of the Step-Audio guide: every key reaches the recipe, or is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from tests.e2e.step_audio import SHIPPED, recipe_of, told, working_folder
from tunesmith.doorways.step_audio.config import DEFAULT, Config, read_config

__all__ = ["working_folder"]
pytestmark = pytest.mark.usefixtures("working_folder")


# --- values ---------------------------------------------------------------------------------------------------------


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


# --- what is told ---------------------------------------------------------------------------------------------------


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

"""Keys, kinds and documented defaults of the four MusicGen commands, one place for flags and config.yaml alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunesmith.doorways.common import count, positive, share, zero_or_more

TRAIN_DEFAULTS: dict[str, Any] = {
    "model_path": "facebook/musicgen-small",
    "data_dir": "./finetune/data",
    "metadata_file": "metadata.json",
    "output_dir": "./finetune/output",
    "lora_rank": 12,
    "lora_alpha": 24,
    "lora_dropout": 0.1,
    "learning_rate": 3e-4,
    "batch_size": 2,
    "gradient_accumulation_steps": 4,
    "num_epochs": 5,
    "warmup_steps": 100,
    "save_steps": 100,
    "logging_steps": 10,
    "max_grad_norm": 1.0,
    "weight_decay": 0.01,
    "max_duration": 30,
    "target_duration": 30,
    "fp16": False,
    "bf16": False,
    "resume": False,
    "gate": None,
    "set": None,
}
FLAG_OF = {
    "name": "--output_dir",
    "model.path": "--model_path",
    "model.precision": "--fp16 or --bf16",
    "data.folder": "--data_dir",
    "data.metadata_file": "--metadata_file",
    "data.max_seconds": "--max_duration",
    "adapter.rank": "--lora_rank",
    "adapter.alpha": "--lora_alpha",
    "adapter.dropout": "--lora_dropout",
    "train.epochs": "--num_epochs",
    "train.updates": "--num_epochs",
    "train.batch_size": "--batch_size",
    "train.accumulation": "--gradient_accumulation_steps",
    "train.learning_rate": "--learning_rate",
    "train.warmup_updates": "--warmup_steps",
    "train.weight_decay": "--weight_decay",
    "train.max_grad_norm": "--max_grad_norm",
    "train.save_every": "--save_steps",
    "train.log_every": "--logging_steps",
    "previews.every": "--save_steps",
    "previews.seconds": "--target_duration",
}
"""The flag of ``train_lora.py`` that decides a recipe's key."""
PREPARE_DEFAULTS: dict[str, Any] = {
    "output_dir": "./finetune/data",
    "metadata_file": "metadata.json",
    "num_samples": 10,
}
GENERATE_DEFAULTS: dict[str, Any] = {
    "base_model_path": "facebook/musicgen-small",
    "lora_model_path": "./finetune/output/best_model",
    "duration": 10,
    "guidance_scale": 3.0,
    "seed": 1234,
}
TYPES: dict[str, Callable[[str], Any]] = {
    "lora_rank": count,
    "lora_alpha": positive,
    "lora_dropout": share,
    "learning_rate": positive,
    "batch_size": count,
    "gradient_accumulation_steps": count,
    "num_epochs": count,
    "warmup_steps": lambda text: int(zero_or_more(text)),
    "save_steps": count,
    "logging_steps": count,
    "max_grad_norm": positive,
    "weight_decay": zero_or_more,
    "max_duration": positive,
    "target_duration": positive,
    "duration": positive,
    "guidance_scale": zero_or_more,
    "seed": int,
    "num_samples": count,
}
_PREPARE = {*PREPARE_DEFAULTS, "input_dir", "default_text", "create_example"}
CHECK_KEYS = ("model_path", "data_dir", "metadata_file", "batch_size", "max_duration")
COMMANDS: dict[str, set[str]] = {
    "prepare_data": _PREPARE,
    "train_lora": {*TRAIN_DEFAULTS},
    "inference_lora": {*GENERATE_DEFAULTS, "output_dir", "prompts"},
    "test_dataset": {*CHECK_KEYS},
    "test_model": {*CHECK_KEYS},
    "evaluate": {*GENERATE_DEFAULTS, "output_dir", "compare", "test_prompts"},
}
"""Every key of each command; config.yaml may hold any of them, and a section per command."""


def of_prepare(config: dict[str, Any]) -> dict[str, Any]:
    """Shared keys as prepare_data means them: it writes where training reads."""
    return _renamed(config, {"output_dir": config.get("data_dir")})


def of_inference(config: dict[str, Any]) -> dict[str, Any]:
    """Shared keys as inference_lora means them: the run's base and best adapter, files inside the run."""
    return _after_training(config, "generated")


def of_evaluate(config: dict[str, Any]) -> dict[str, Any]:
    """Shared keys as evaluate means them."""
    return _after_training(config, "evaluation")


def _after_training(config: dict[str, Any], folder: str) -> dict[str, Any]:
    run = config.get("output_dir")
    values = {"base_model_path": config.get("model_path")}
    if run is not None:
        values |= {"lora_model_path": f"{run}/best_model"}
    values |= {key: config[key] for key in values if config.get(key) is not None}
    return _renamed(config, {**values, "output_dir": None if run is None else f"{run}/{folder}"})


def _renamed(config: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in values}
    return kept | {key: value for key, value in values.items() if value is not None}

"""Keys, kinds and documented defaults of the two ACE-Step commands, one place for flags and config.yaml alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tunesmith.doorways.common import count, positive, zero_or_more
from tunesmith.texts import msg

CONVERT_DEFAULTS: dict[str, Any] = {"data_dir": "./data", "repeat_count": 1, "output_name": "zh_lora_dataset"}
TRAIN_DEFAULTS: dict[str, Any] = {
    "num_nodes": 1,
    "shift": 3.0,
    "learning_rate": 1e-4,
    "num_workers": 8,
    "epochs": -1,
    "max_steps": 2_000_000,
    "every_n_train_steps": 2000,
    "dataset_path": "./zh_lora_dataset",
    "exp_name": "chinese_rap_lora",
    "precision": "32",
    "accumulate_grad_batches": 1,
    "devices": 1,
    "logger_dir": "./exps/logs/",
    "ckpt_path": None,
    "checkpoint_dir": None,
    "gradient_clip_val": 0.5,
    "gradient_clip_algorithm": "norm",
    "reload_dataloaders_every_n_epochs": 1,
    "every_plot_step": 2000,
    "val_check_interval": None,
    "lora_config_path": "config/zh_rap_lora_config.json",
    "model": "ACE-Step/ACE-Step-v1-3.5B",
    "batch_size": 1,
    "ssl": False,
    "resume": None,
    "gate": None,
    "set": None,
}
"""The guide's 21 flags, then the six that are added here."""
FLAG_OF = {
    "name": "--exp_name",
    "model.path": "--model",
    "model.precision": "--precision",
    "data.folder": "--dataset_path",
    "adapter.rank": "--lora_config_path",
    "adapter.alpha": "--lora_config_path",
    "adapter.targets": "--lora_config_path",
    "train.updates": "--max_steps",
    "train.epochs": "--epochs",
    "train.batch_size": "--batch_size",
    "train.accumulation": "--accumulate_grad_batches",
    "train.learning_rate": "--learning_rate",
    "train.max_grad_norm": "--gradient_clip_val",
    "train.clip": "--gradient_clip_algorithm",
    "train.save_every": "--every_n_train_steps",
    "train.valid_every": "--val_check_interval",
    "train.snapshots": "--checkpoint_dir",
    "previews.every": "--every_plot_step",
    "options.shift": "--shift",
    "options.ssl": "--ssl",
}
"""The flag that decides a recipe's key."""
PRECISIONS = {
    "32": "fp32",
    "32-true": "fp32",
    "16": "fp16",
    "16-mixed": "fp16",
    "16-true": "fp16",
    "bf16": "bf16",
    "bf16-mixed": "bf16",
    "bf16-true": "bf16",
}
"""The trainer's words for a precision, and the recipe's."""


def or_none(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    """A kind that may also be written ``None``, as the guide writes it."""

    def convert(text: str) -> Any:
        return None if text in ("None", "none", "") else kind(text)

    return convert


def epochs(text: str) -> int:
    """-1, or a whole number above zero."""
    return -1 if text.strip() == "-1" else count(text)


def zero_or_count(text: str) -> int:
    """A whole number of at least zero."""
    return 0 if text.strip() == "0" else count(text)


def interval(text: str) -> int | float:
    """A whole number of updates, or a share of an epoch: a number with a point, above 0 and up to 1.0."""
    if "." not in text and "e" not in text.lower():
        return count(text)
    share = positive(text)
    if share > 1:
        raise ValueError(msg("{value} is neither a whole number of updates nor a share of an epoch", value=text))
    return share


def precision(text: str) -> str:
    """One of :data:`PRECISIONS`."""
    if text not in PRECISIONS:
        raise ValueError(msg("`{value}` is none of {names}", value=text, names=tuple(PRECISIONS)))
    return text


def clipping(text: str) -> str:
    """``norm`` or ``value``."""
    if text not in ("norm", "value"):
        raise ValueError(msg("`{value}` is neither `norm` nor `value`", value=text))
    return text


def auto(text: str) -> str:
    """``auto``."""
    if text != "auto":
        raise ValueError(msg("`{value}` is not `auto`; name a certain checkpoint with --ckpt_path", value=text))
    return text


TYPES: dict[str, Callable[[str], Any]] = {
    "repeat_count": count,
    "num_nodes": count,
    "shift": positive,
    "learning_rate": positive,
    "num_workers": zero_or_count,
    "epochs": epochs,
    "max_steps": count,
    "every_n_train_steps": count,
    "precision": precision,
    "accumulate_grad_batches": count,
    "devices": count,
    "ckpt_path": or_none(str),
    "checkpoint_dir": or_none(str),
    "gradient_clip_val": or_none(zero_or_more),
    "gradient_clip_algorithm": clipping,
    "reload_dataloaders_every_n_epochs": zero_or_count,
    "every_plot_step": zero_or_count,
    "val_check_interval": or_none(interval),
    "batch_size": count,
    "resume": or_none(auto),
}
COMMANDS: dict[str, set[str]] = {"convert2hf_dataset": {*CONVERT_DEFAULTS}, "trainer": {*TRAIN_DEFAULTS}}
"""Every key of each command; config.yaml may hold any of them, and a section per command."""

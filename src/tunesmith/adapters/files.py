"""Adapters as files that plain PEFT loads; what was trained in full of a network is saved and loaded beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import nn

from tunesmith.adapters.full import load_tuning, save_tuning, targets_of, tuning_of
from tunesmith.adapters.settings import AdapterRecipe, NetworkRecipe
from tunesmith.adapters.tensors import read_tensors, write_tensors
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json, write_json
from tunesmith.texts import msg

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"


def adapter_folders(networks: Mapping[str, nn.Module], folder: Path) -> dict[str, Path]:
    """Where each adapted network's adapter lies: the folder itself for one network, else a folder per network."""
    names = [name for name, network in networks.items() if hasattr(network, "peft_config") or tuning_of(network)]
    return {name: folder if len(names) == 1 else folder / name for name in names}


def save_adapter(networks: Mapping[str, nn.Module], folder: Path, base: str) -> None:
    """Write PEFT's two files per network into ``folder`` (fp32 safetensors and a small config), or the tuned part."""
    from peft import get_peft_model_state_dict

    for name, target in adapter_folders(networks, folder).items():
        network: Any = networks[name]
        if tuning := tuning_of(network):
            save_tuning(tuning, target, base)
            continue
        write_tensors(target / WEIGHTS, {k: v.float() for k, v in get_peft_model_state_dict(network).items()})
        write_json(target / CONFIG, small_config(network.peft_config["default"].to_dict(), base))


def small_config(config: Mapping[str, Any], base: str) -> dict[str, Any]:
    """An ``adapter_config.json`` with only the keys it needs, so that older PEFT releases load it too.

    rslora (PEFT 0.8) and DoRA (PEFT 0.9) are named only where they are used.
    """
    small = {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": base,
        "r": config["r"],
        "lora_alpha": config["lora_alpha"],
        "lora_dropout": config["lora_dropout"],
        "target_modules": sorted(config["target_modules"]),
        "bias": "none",
        "fan_in_fan_out": False,
        "modules_to_save": None,
        "inference_mode": True,
        "init_lora_weights": True,
    }
    return small | {key: True for key in ("use_rslora", "use_dora") if config.get(key)}


def load_adapter(networks: Mapping[str, nn.Module], folder: Path, only: Sequence[str] | None = None) -> None:
    """Load adapter weights into networks that already carry a matching adapter (into all, or into those named).

    Raises:
        TunesmithError: when tensors are missing, left over or of another shape.
    """
    from peft import get_peft_model_state_dict, set_peft_model_state_dict

    for name, source in adapter_folders(networks, folder).items():
        if only is not None and name not in only:
            continue
        network: Any = networks[name]
        if tuning := tuning_of(network):
            load_tuning(tuning, source)
            continue
        state = read_adapter(source)
        wanted = {k: v.shape for k, v in get_peft_model_state_dict(network).items()}
        wrong = sorted(
            set(wanted.keys() ^ state.keys()) | {k for k in wanted.keys() & state.keys() if wanted[k] != state[k].shape}
        )
        if wrong:
            raise TunesmithError(
                msg(
                    "this adapter does not fit: {count} of its tensors differ in name or shape from what the "
                    "model takes (first: {tensor})",
                    count=len(wrong),
                    tensor=wrong[0],
                ),
                where=str(source),
                remedy=msg("It belongs to another base model, rank or set of targets."),
            )
        set_peft_model_state_dict(network, state)


def read_adapter(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a PEFT folder.

    Raises:
        TunesmithError: when there is no adapter, or it cannot be read.
    """
    path = folder / WEIGHTS
    if not path.exists():
        older = folder / "adapter_model.bin"
        if older.exists():
            return read_tensors(older, msg("this adapter"))
        raise TunesmithError(
            msg("this folder holds no adapter"),
            where=str(folder),
            remedy=msg("It needs {config} and {weights}.", config=CONFIG, weights=WEIGHTS),
        )
    return read_tensors(path, msg("this adapter"))


def recipe_of(folder: Path) -> AdapterRecipe:
    """The adapter settings that a folder was made with; those of every network where it keeps several.

    Raises:
        TunesmithError: when it holds no LoRA or DoRA adapter and no trained weights.
    """
    parts = [folder, *sorted(p for p in folder.glob("*/") if (p / CONFIG).exists() or targets_of(p) is not None)]
    found = {part: recipe for part in parts if (recipe := _settings(part)) is not None}
    if not found:
        raise TunesmithError(
            msg("this folder holds no adapter"),
            where=str(folder),
            remedy=msg("It needs {config} and {weights}.", config=CONFIG, weights=WEIGHTS),
        )
    if folder in found:
        return found[folder]
    first = next((recipe for recipe in found.values() if recipe.kind != "full"), next(iter(found.values())))
    networks = {
        part.name: NetworkRecipe(kind=recipe.kind, rank=recipe.rank, alpha=recipe.alpha, targets=recipe.targets)
        for part, recipe in found.items()
    }
    return first.model_copy(update={"targets": None, "networks": networks})


def _settings(folder: Path) -> AdapterRecipe | None:
    path = folder / CONFIG
    if not path.exists():
        targets = targets_of(folder)
        return None if targets is None else AdapterRecipe(kind="full", targets=targets)
    config = read_json(path)
    kind = config.get("peft_type") if isinstance(config, dict) else None
    if kind != "LORA":
        raise TunesmithError(
            msg("adapters of type {type} are not supported", type=kind),
            where=str(path),
            remedy=msg("Use a LoRA or DoRA adapter."),
        )
    targets = config.get("target_modules")
    try:
        return AdapterRecipe.model_validate(
            {
                "kind": "dora" if config.get("use_dora") else "lora",
                "rank": config.get("r"),
                "alpha": config.get("lora_alpha"),
                "rslora": bool(config.get("use_rslora")),
                "targets": targets if isinstance(targets, list) else (json.dumps(targets),),
            }
        )
    except ValidationError as error:
        raise TunesmithError(
            msg("this LoRA's settings cannot be read"),
            where=str(path),
            remedy=msg("It needs what PEFT's LoraConfig holds."),
        ) from error

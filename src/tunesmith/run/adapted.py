"""Networks with a finished adapter, for generation, evaluation and export."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.run.context import RunContext

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.contract import Family


def adapter_folder(context: RunContext) -> Path:
    """The best adapter of a run, or the last one.

    Raises:
        TunesmithError: when nothing was trained yet.
    """
    for folder in (context.folder.best, context.folder.final):
        if folder.exists():
            return folder
    raise TunesmithError(
        "this run has no adapter yet",
        where=str(context.folder.path),
        remedy=f"Run `tunesmith train {context.folder.path}` first.",
    )


def load_adapted(family: Family, folder: Path, device: str = "cpu") -> dict[str, nn.Module]:
    """Base networks with the adapter of a PEFT folder, in evaluation mode.

    Raises:
        TunesmithError: when the adapter belongs to another base, or there is none.
    """
    from tunesmith.training import adapters

    recipe = adapters.recipe_of(folder)
    networks = adapters.attach(family.networks(), recipe, family.adapter_defaults(), seed=0)
    adapters.load_adapter(networks, folder)
    return on_device(networks, device)


def on_device(networks: Mapping[str, nn.Module], device: str) -> dict[str, nn.Module]:
    """Networks on a device in evaluation mode; half precision on a GPU that has it."""
    import torch

    half = device.startswith("cuda") and torch.cuda.is_bf16_supported()
    return {name: n.to(device, torch.bfloat16 if half else torch.float32).eval() for name, n in networks.items()}


def base_named_by(folder: Path) -> str:
    """The base model that an adapter names in its config."""
    for name in ("adapter_config.json", "tuning.json"):
        for path in (folder / name, *sorted(folder.glob(f"*/{name}"))):
            if path.exists():
                return str(read_json(path).get("base_model_name_or_path") or "")
    return ""

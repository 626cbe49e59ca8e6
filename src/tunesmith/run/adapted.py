"""Networks with a finished adapter, for generation, evaluation and export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.content import content_key, file_digest
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.records.checkpoint_state import CheckpointState
from tunesmith.run.context import RunContext
from tunesmith.run.device import cpu_has_bf16
from tunesmith.run.folder import STATE
from tunesmith.texts import msg

if TYPE_CHECKING:
    from torch import nn

    from tunesmith.families.contract import Family


def adapter_folder(context: RunContext) -> Path:
    """The best adapter of a run, or the last one; of an interrupted run what would have become the best.

    Raises:
        TunesmithError: when nothing was trained yet.
    """
    for folder in (context.folder.best, context.folder.final, *reversed(context.folder.candidates())):
        if folder.exists():
            return folder
    raise TunesmithError(
        msg("this run has no adapter yet"),
        where=str(context.folder.path),
        remedy=msg("Run `tunesmith train {run}` first.", run=context.folder.path),
    )


def load_adapted(family: Family, folder: Path, device: str = "cpu", *, bf16: bool = False) -> dict[str, nn.Module]:
    """Base networks with the adapter of a PEFT folder, in evaluation mode; device and ``bf16`` as :func:`on_device`.

    A command that keeps them (:mod:`tunesmith.run.loaded_once`) gets those of before, with the adapter at strength 1.

    Raises:
        TunesmithError: when the adapter belongs to another base, or there is none.
    """
    from tunesmith.adapters.scale import set_scale

    kept = family.networks.adapted
    key = _key_of(folder, device, bf16) if kept is not None else ""
    if kept and key in kept:
        set_scale(kept[key], 1.0)
        return kept[key]
    if kept:
        kept.clear()  # before others are loaded beside them
    networks = on_device(read_adapted(family, folder), device, family.networks.full_precision, bf16=bf16)
    if kept is not None:
        kept[key] = networks
    return networks


def _key_of(folder: Path, device: str, bf16: bool) -> str:
    """What a folder's adapter is by content, and how it is held."""
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".json", ".safetensors"))
    digests = [text for path in files for text in (str(path.relative_to(folder)), file_digest(path))]
    return content_key(device, bf16, *digests)


def read_adapted(family: Family, folder: Path) -> dict[str, nn.Module]:
    """Base networks as :meth:`Family.networks` reads them, with the adapter of a PEFT folder in fp32; on the CPU.

    Raises:
        TunesmithError: when the adapter belongs to another base, or there is none.
    """
    from tunesmith.adapters.attach import attach
    from tunesmith.adapters.files import load_adapter, recipe_of
    from tunesmith.adapters.parameters import trainable

    recipe = recipe_of(folder)
    try:
        networks = attach(family.networks.load(), recipe, family.adapters.defaults(), seed=0)
    except TunesmithError as error:
        if error.where not in ("adapter.targets", "adapter.kind"):
            raise
        raise TunesmithError(
            msg("this adapter is of other networks than this recipe trains ({reason})", reason=error.what),
            where=str(folder),
            remedy=msg("Give the options that it was trained with, such as options.train=llm."),
        ) from error
    for parameter in trainable(networks).values():
        parameter.data = parameter.data.float()
    load_adapter(networks, folder)
    return networks


def on_device(
    networks: Mapping[str, nn.Module], device: str, full_precision: Sequence[str] = (), *, bf16: bool = False
) -> dict[str, nn.Module]:
    """Networks on a device in evaluation mode, in bf16 on a GPU that has it.

    Args:
        networks: By name.
        device: Where they go.
        full_precision: Names of those that stay in fp32.
        bf16: On a CPU too (:func:`in_bf16`).
    """
    import torch

    half = torch.bfloat16 if bf16 or (device.startswith("cuda") and torch.cuda.is_bf16_supported()) else torch.float32
    return {n: m.to(device, torch.float32 if n in full_precision else half).eval() for n, m in networks.items()}


def in_bf16(context: RunContext, device: str) -> bool:
    """Whether networks of a run are held in bf16 on a CPU: it was trained in bf16, and this CPU has that."""
    if device != "cpu" or not cpu_has_bf16():
        return False
    state = context.folder.stage_state("train")
    trained = state.training() if state else None
    if trained is not None:
        return trained.precision == "bf16"
    newest = context.folder.newest_checkpoint()  # of a run that was interrupted
    return newest is not None and CheckpointState.read(newest / STATE).precision == "bf16"


def base_named_by(folder: Path) -> str:
    """The base model that an adapter names in its config."""
    for name in ("adapter_config.json", "tuning.json"):
        for path in (folder / name, *sorted(folder.glob(f"*/{name}"))):
            if path.exists():
                return str(read_json(path).get("base_model_name_or_path") or "")
    return ""

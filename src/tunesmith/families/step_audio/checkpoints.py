"""``llm_best.pt`` and ``flow_best.pt``: what was trained of one network and a header that says what it is.

The names and keys are those of the fine-tuning guide (``epoch``, ``model_state_dict``, ``optimizer_state_dict``,
``scheduler_state_dict``, ``val_loss``). Files of other trainers, with a header or without, whole networks included, are
read too. Nothing is unpickled, and nothing is changed before all of a file is known to fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from pickle import UnpicklingError  # what torch raises for a damaged file; nothing is unpickled
from typing import Any

import torch
from torch import nn

from tunesmith.adapters import full
from tunesmith.adapters.files import CONFIG, read_adapter
from tunesmith.adapters.tensors import read_tensors
from tunesmith.errors import TunesmithError
from tunesmith.families.step_audio.checkpoint_fit import LORA, Header, fill, plain, plan_adapter, with_adapter
from tunesmith.families.step_audio.config import FLOW, LLM
from tunesmith.families.step_audio.network_loss import UNKNOWN, NetworkLoss, losses_of
from tunesmith.files import atomic_path, read_json
from tunesmith.texts import Message, msg

_HEADER, _STATE = "header", "model_state_dict"


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A network with a checkpoint inside, and notes about it for the user."""

    network: nn.Module
    notes: tuple[Message, ...]


# --- writing -------------------------------------------------------------------------------------------------------


def write_best(folder: Path, target: Path) -> None:
    """Write ``llm_best.pt`` and ``flow_best.pt``, as many as an adapter folder has networks, into a folder."""
    best = losses_of(folder)
    for name in parts_of(folder):
        write_checkpoint(folder, target / f"{name}_best.pt", name, found=best.get(name, UNKNOWN))


def write_checkpoint(folder: Path, target: Path, network: str, epoch: int = 0, found: NetworkLoss = UNKNOWN) -> None:
    """Write one network of an adapter folder as a checkpoint, whole or not at all.

    Args:
        folder: What training saved: PEFT's files or the part that was trained in full, or a folder of each network.
        target: The file.
        network: ``llm`` or ``flow``.
        epoch: Passes over the clips that its stage has had; 0 where that is not known.
        found: The stage that found it, and its own held-out loss.
    """
    source = parts_of(folder)[network]
    part, state = _read_part(source, network)
    header = replace(part, stage=found.stage, heldout_loss=found.loss)
    with atomic_path(target) as temporary:
        torch.save(
            {
                "epoch": epoch,
                _STATE: state,
                "optimizer_state_dict": None,
                "scheduler_state_dict": None,
                "val_loss": found.loss,
                _HEADER: {**asdict(header), "targets": list(header.targets)},
            },
            temporary,
        )


def parts_of(folder: Path) -> dict[str, Path]:
    """Where each network's part of an adapter folder lies; of one network alone it is the folder itself."""
    found = {name: folder / name for name in (LLM, FLOW) if _holds_part(folder / name)}
    if found or not _holds_part(folder):
        return found
    if (folder / full.CONFIG).is_file():
        return {FLOW: folder}
    keys = read_adapter(folder)
    return {_network_of(keys) or LLM: folder}


def _holds_part(folder: Path) -> bool:
    return (folder / CONFIG).is_file() or (folder / full.CONFIG).is_file()


def _read_part(source: Path, network: str) -> tuple[Header, dict[str, torch.Tensor]]:
    if (source / full.CONFIG).is_file():
        config, weights = read_json(source / full.CONFIG), source / full.WEIGHTS
        header = Header(network, "full", tuple(config["targets"]), str(config["base_model_name_or_path"]))
        return header, read_tensors(weights) if weights.exists() else {}
    config = read_json(source / CONFIG)
    header = Header(
        network,
        "dora" if config.get("use_dora") else "lora",
        tuple(config["target_modules"]),
        str(config["base_model_name_or_path"]),
        int(config["r"]),
        float(config["lora_alpha"]),
        bool(config.get("use_rslora")),
    )
    return header, read_adapter(source)


# --- reading -------------------------------------------------------------------------------------------------------


def load_llm(network: nn.Module, path: Path, base: str = "") -> LoadedCheckpoint:
    """The LLM with a checkpoint inside; see :func:`load_checkpoint`."""
    return load_checkpoint(LLM, network, path, base)


def load_flow(network: nn.Module, path: Path, base: str = "") -> LoadedCheckpoint:
    """The flow with a checkpoint inside; see :func:`load_checkpoint`."""
    return load_checkpoint(FLOW, network, path, base)


def load_checkpoint(name: str, network: nn.Module, path: Path, base: str = "") -> LoadedCheckpoint:
    """Put a checkpoint into a network: ours, or a state dict of another trainer, whole or in part.

    Args:
        name: ``llm`` or ``flow``.
        network: As its base's files have it (what an earlier checkpoint changed in it may stay), or with the adapter of
            the same shape already on it.
        path: The file.
        base: What the network's base model is called, to compare with the header.

    Returns:
        The network (an adapter wraps it) and sentences: keys that have no place, keys that are absent, another base of
        the same sizes (a copy under another name is one too, so that it is mentioned and not refused).

    Raises:
        TunesmithError: when the file is unreadable, of the other network, of another rank or mode, or of a base of
            other sizes. The network is then as it was.
    """
    header, tensors = read_checkpoint(path)
    return _put(name, network, header, tensors, path, base)


def load_parts(
    networks: Mapping[str, nn.Module], folder: Path, base: str = ""
) -> tuple[dict[str, nn.Module], list[Message]]:
    """Networks with the adapter folder of a run inside, and sentences as of :func:`load_checkpoint`.

    Raises:
        TunesmithError: when the folder holds no adapter, or it does not fit.
    """
    parts = parts_of(folder)
    if not parts:
        raise TunesmithError(
            msg("this folder holds no adapter"), where=str(folder), remedy=msg("Give a run's best_model.")
        )
    found: dict[str, nn.Module] = dict(networks)
    notes: list[Message] = []
    for name, part in parts.items():
        loaded = _put(name, networks[name], *_read_part(part, name), part, base)
        found[name] = loaded.network
        notes += loaded.notes
    return found, notes


def _put(
    name: str, network: nn.Module, header: Header | None, tensors: Mapping[str, torch.Tensor], path: Path, base: str
) -> LoadedCheckpoint:
    tensors = {plain(key): tensor for key, tensor in tensors.items()}
    kind = header.network if header else _network_of(tensors)
    if kind and kind != name:
        raise TunesmithError(
            msg("this checkpoint holds the {network}, and the {wanted} is meant", network=kind, wanted=name),
            where=str(path),
            remedy=msg("Give it as {network}_ckpt_path.", network=kind),
        )
    notes = []
    if header and base and not _same_base(header.base, base):
        bases = {"path": str(path), "trained_on": header.base, "base": base}
        notes.append(msg("{path}: trained on {trained_on}, and this is {base}; the sizes agree", **bases))
    low = {key: tensor for key, tensor in tensors.items() if LORA in key}
    rest = {key: tensor for key, tensor in tensors.items() if LORA not in key}
    plan = plan_adapter(network, low, header, path) if low else None
    if rest or not low:
        notes += fill(name, network, rest, path, known=header is not None, whole=not low)
    if plan is not None:
        if header is None:
            assumed: dict[str, Any] = {"path": str(path), "alpha": plan.alpha}
            notes.append(msg("{path}: it does not say its LoRA alpha; the guide's {alpha:g} is used", **assumed))
        network = with_adapter(name, network, low, plan)
    return LoadedCheckpoint(network, tuple(notes))


def _same_base(name: str, other: str) -> bool:
    """Whether two names are of one base: a folder, a link to it, or a copy of the repository."""
    return Path(name).name.lower() == Path(other).name.lower() or Path(name).resolve() == Path(other).resolve()


def read_checkpoint(path: Path) -> tuple[Header | None, dict[str, torch.Tensor]]:
    """Header, where there is one, and tensors by the names in the file.

    Raises:
        TunesmithError: when the file is absent, cannot be read safely, or holds no tensors.
    """
    if not path.is_file():
        raise TunesmithError(
            msg("there is no such checkpoint"), where=str(path), remedy=msg("Check the path, or train first.")
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, UnpicklingError, EOFError, ValueError, KeyError, OSError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise TunesmithError(
            msg("this checkpoint cannot be read ({error})", error=first),
            where=str(path),
            remedy=msg("Files are read as tensors only, never as program objects; take another one."),
        ) from error
    mapping = content if isinstance(content, dict) else {}
    inner = next((mapping[key] for key in (_STATE, "state_dict") if isinstance(mapping.get(key), dict)), mapping)
    tensors = {str(key): value for key, value in inner.items() if isinstance(value, torch.Tensor)}
    header = _header(mapping.get(_HEADER), path)
    if not tensors and not (header and header.mode == "full"):
        raise TunesmithError(
            msg("this file holds no weights"), where=str(path), remedy=msg("Give a checkpoint or state dict.")
        )
    return header, tensors


def _header(raw: Any, path: Path) -> Header | None:
    if raw is None:
        return None
    try:
        return Header(**{**raw, "targets": tuple(raw["targets"])})
    except (TypeError, KeyError) as error:
        raise TunesmithError(
            msg("the header of this checkpoint is not understood ({error})", error=error),
            where=str(path),
            remedy=msg("It may be from a newer release of Tunesmith."),
        ) from error


def _network_of(keys: Mapping[str, Any]) -> str | None:
    """Which network names belong to."""
    for key in map(plain, keys):
        if key.startswith(("model.layers.", "model.embed_tokens.", "lm_head.")):
            return LLM
        if key.startswith(("decoder.", "encoder.", "encoder_proj.", "input_embedding.", "spk_embed_affine_layer.")):
            return FLOW
    return None

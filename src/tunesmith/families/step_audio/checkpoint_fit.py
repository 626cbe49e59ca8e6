"""Whether a checkpoint's tensors fit a network, and putting them in: an adapter of their own, or weights by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tunesmith import __version__
from tunesmith.adapters import full
from tunesmith.adapters.attach import attach
from tunesmith.adapters.settings import AdapterDefaults, AdapterRecipe
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

GUIDE_ALPHA = 32.0
"""LoRA alpha of files that do not say theirs: the guide's."""
PEFT, LORA = "base_model.model.", ".lora_"
_NAMED = 3
"""How many keys a sentence names."""


@dataclass(frozen=True)
class Header:
    """What a checkpoint says of itself.

    Attributes:
        network: ``llm`` or ``flow``.
        mode: ``lora``, ``dora``, or ``full`` where a part of the network itself was trained.
        targets: The adapted modules, or the beginnings of the names of what was trained in full.
        base: The base model that it was trained on.
        rank: Of an adapter.
        alpha: Of an adapter; its scale is alpha / rank (alpha / sqrt(rank) with ``rslora``).
        rslora: See ``alpha``.
        tunesmith: The release that wrote it.
        stage, heldout_loss: The training stage that found it and the network's own loss there, where these are known.
    """

    network: str
    mode: str
    targets: tuple[str, ...]
    base: str
    rank: int = 0
    alpha: float = 0.0
    rslora: bool = False
    tunesmith: str = __version__
    stage: str = ""
    heldout_loss: float | None = None


def plain(key: str) -> str:
    """A key without wrappers: of DataParallel, ``torch.compile``, PEFT's model, its base layers and adapter name."""
    for prefix in ("module.", "_orig_mod.", PEFT):
        key = key.removeprefix(prefix)
    return key.replace(".base_layer.", ".").replace(".default.weight", ".weight").removesuffix(".default")


@dataclass(frozen=True)
class AdapterPlan:
    """The adapter that a file's tensors need."""

    mode: str
    rank: int
    alpha: float
    rslora: bool
    targets: tuple[str, ...]


def plan_adapter(network: nn.Module, low: Mapping[str, torch.Tensor], header: Header | None, path: Path) -> AdapterPlan:
    """What adapter these tensors are of; every one of them is held against the network first.

    Raises:
        TunesmithError: when they are of another base, rank or mode, or incomplete.
    """
    from tunesmith.adapters.attach import unwrap_peft

    modules = dict(unwrap_peft(network).named_modules())
    ranks = {key.split(LORA)[0]: tensor.shape[0] for key, tensor in low.items() if f"{LORA}A" in key}
    leaves = {name.rpartition(".")[2] for name in ranks}
    targets = tuple(sorted(header.targets if header else leaves))
    wanted = {name for name in modules if any(name == t or name.endswith(f".{t}") for t in targets)}
    wrong = sorted(wanted ^ ranks.keys()) or _misshapen(modules, low, ranks)
    if wrong or not ranks:
        raise _unfit(path, wrong, msg("It belongs to another base model or set of targets."))
    if len(set(ranks.values())) > 1 or (header and header.rank != next(iter(ranks.values()))):
        raise _other_ranks(sorted(set(ranks.values())), header, path)
    rank = next(iter(ranks.values()))
    magnitudes = any("magnitude" in key for key in low)
    mode = header.mode if header else "dora" if magnitudes else "lora"
    alpha = header.alpha if header else GUIDE_ALPHA
    plan = AdapterPlan(mode, rank, alpha, bool(header and header.rslora), targets)
    _refuse_other_adapter(network, plan, path)
    return plan


def _other_ranks(ranks: Sequence[int], header: Header | None, path: Path) -> TunesmithError:
    if header:
        what = msg(
            "the tensors of this checkpoint have rank {ranks}, and its header says {header_rank}",
            ranks=ranks,
            header_rank=header.rank,
        )
    else:
        what = msg("the tensors of this checkpoint have rank {ranks}", ranks=ranks)
    remedy = msg("The file is damaged or was put together by hand; take another one.")
    return TunesmithError(what, where=str(path), remedy=remedy)


def _misshapen(modules: Mapping[str, Any], low: Mapping[str, torch.Tensor], ranks: Mapping[str, int]) -> list[str]:
    """Modules whose width is not that of their tensors, and those that lack one of the two."""
    wrong = []
    for name in ranks:
        a, b = low[f"{name}{LORA}A.weight"], low.get(f"{name}{LORA}B.weight")
        module = getattr(modules[name], "base_layer", modules[name])
        if b is None or (a.shape[1], b.shape[0]) != (
            getattr(module, "in_features", None),
            getattr(module, "out_features", None),
        ):
            wrong.append(name)
    return wrong


def _refuse_other_adapter(network: Any, plan: AdapterPlan, path: Path) -> None:
    if full.tuning_of(network):
        raise _other_mode(path, plan.mode, "full")
    carried = getattr(network, "peft_config", {}).get("default")
    if carried is not None and carried.r != plan.rank:
        raise TunesmithError(
            msg(
                "this checkpoint is of LoRA rank {rank}, and the network carries one of rank {network_rank}",
                rank=plan.rank,
                network_rank=carried.r,
            ),
            where=str(path),
            remedy=msg("Set lora_r to the checkpoint's, or take a checkpoint of this run."),
        )
    if carried is not None and tuple(sorted(carried.target_modules)) != plan.targets:
        raise _unfit(path, plan.targets, msg("It belongs to another set of targets."))


def _other_mode(path: Path, there: str, here: str) -> TunesmithError:
    return TunesmithError(
        msg(
            "this checkpoint holds {checkpoint_mode}, and the network carries {network_mode}",
            checkpoint_mode=_described(there),
            network_mode=_described(here),
        ),
        where=str(path),
        remedy=msg("Take a checkpoint of the same mode."),
    )


def _described(mode: str) -> Message:
    return msg("weights trained in full") if mode == "full" else msg("a LoRA adapter")


def with_adapter(name: str, network: Any, low: Mapping[str, torch.Tensor], plan: AdapterPlan) -> nn.Module:
    """The network with an adapter of this plan and these tensors."""
    from peft import set_peft_model_state_dict

    if not hasattr(network, "peft_config"):
        kind = "dora" if plan.mode == "dora" else "lora"
        recipe = AdapterRecipe(
            kind=kind, rank=plan.rank, alpha=plan.alpha, rslora=plan.rslora, dropout=0.0, targets=plan.targets
        )
        defaults = {name: AdapterDefaults(plan.targets, rank=plan.rank, alpha=plan.alpha)}
        network = attach({name: network}, recipe, defaults, seed=0)[name].eval()
    set_peft_model_state_dict(network, {f"{PEFT}{key}": tensor for key, tensor in low.items()})
    adapted: nn.Module = network
    return adapted


# --- whole tensors ---------------------------------------------------------------------------------------------------


@torch.no_grad()
def fill(
    name: str, network: Any, tensors: Mapping[str, torch.Tensor], path: Path, *, known: bool, whole: bool
) -> list[Message]:
    """Copy tensors into a network by name; returns what has no place and what is absent.

    Args:
        name: The network's.
        network: Where they go.
        tensors: By plain names; a header with none of them means the base, untouched.
        path: The file.
        known: Whether it is ours, which fits in all or not at all.
        whole: Whether the file holds nothing else (no adapter).

    Raises:
        TunesmithError: when none fits, one has another shape, or a file of ours does not fit in all.
    """
    from tunesmith.adapters.attach import unwrap_peft

    if whole and known and hasattr(network, "peft_config"):
        raise _other_mode(path, "full", "lora")
    tuning = full.tuning_of(network)
    if tuning and known:
        tuning.load(tensors, path)
        return []
    state = {plain(key): tensor for key, tensor in unwrap_peft(network).state_dict().items() if LORA not in key}
    strange, absent = sorted(tensors.keys() - state.keys()), sorted(state.keys() - tensors.keys())
    misshapen = sorted(key for key in tensors.keys() & state.keys() if tensors[key].shape != state[key].shape)
    if misshapen or (tensors and len(strange) == len(tensors)) or (known and strange):
        raise _unfit(path, misshapen or strange, msg("It belongs to another base model, or another network."))
    for key in tensors.keys() & state.keys():
        state[key].copy_(tensors[key])
    return [] if known else _fill_notes(name, path, strange, absent)


def _fill_notes(network: str, path: Path, strange: Sequence[str], absent: Sequence[str]) -> list[Message]:
    notes = []
    if strange:
        notes.append(
            msg(
                "{path}: {count} tensors have no place in the {network} and were left out (first: {names})",
                path=str(path),
                count=len(strange),
                network=network,
                names=strange[:_NAMED],
            )
        )
    if absent:
        notes.append(
            msg(
                "{path}: {count} tensors of the {network} are not in it and stay as they are (first: {names})",
                path=str(path),
                count=len(absent),
                network=network,
                names=absent[:_NAMED],
            )
        )
    return notes


def _unfit(path: Path, keys: Sequence[str], remedy: Message) -> TunesmithError:
    what = (
        msg(
            "this checkpoint does not fit: {count} of its names or shapes are not the model's (first: {names})",
            count=len(keys),
            names=keys[:_NAMED],
        )
        if keys
        else msg("this checkpoint does not fit: {count} of its names or shapes are not the model's", count=0)
    )
    return TunesmithError(what, where=str(path), remedy=remedy)

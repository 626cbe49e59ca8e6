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
from tunesmith.texts import msg

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
    """

    network: str
    mode: str
    targets: tuple[str, ...]
    base: str
    rank: int = 0
    alpha: float = 0.0
    rslora: bool = False
    tunesmith: str = __version__


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
        raise _unfit(path, wrong, "base model or set of targets")
    if len(set(ranks.values())) > 1 or (header and header.rank != next(iter(ranks.values()))):
        said = f", and its header says {header.rank}" if header else ""
        raise TunesmithError(
            msg(
                "the tensors of this checkpoint have rank {map}{said}",
                map=tuple(map(str, sorted(set(ranks.values())))),
                said=said,
            ),
            where=str(path),
            remedy=msg("The file is damaged or was put together by hand; take another one."),
        )
    rank = next(iter(ranks.values()))
    magnitudes = any("magnitude" in key for key in low)
    mode = header.mode if header else "dora" if magnitudes else "lora"
    alpha = header.alpha if header else GUIDE_ALPHA
    plan = AdapterPlan(mode, rank, alpha, bool(header and header.rslora), targets)
    _refuse_other_adapter(network, plan, path)
    return plan


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
                "this checkpoint is of LoRA rank {rank}, and the network carries one of rank {r}",
                rank=plan.rank,
                r=carried.r,
            ),
            where=str(path),
            remedy=msg("Set lora_r to the checkpoint's, or take a checkpoint of this run."),
        )
    if carried is not None and tuple(sorted(carried.target_modules)) != plan.targets:
        raise _unfit(path, plan.targets, "set of targets")


def _other_mode(path: Path, there: str, here: str) -> TunesmithError:
    words = {"full": "weights trained in full"}
    return TunesmithError(
        msg(
            "this checkpoint holds {value}, and the network carries {value_2}",
            value=words.get(there, "a LoRA adapter"),
            value_2=words.get(here, "a LoRA adapter"),
        ),
        where=str(path),
        remedy=msg("Take a checkpoint of the same mode."),
    )


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
) -> list[str]:
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
    own = {plain(key): tensor for key, tensor in unwrap_peft(network).state_dict().items() if LORA not in key}
    strange, absent = sorted(tensors.keys() - own.keys()), sorted(own.keys() - tensors.keys())
    misshapen = sorted(key for key in tensors.keys() & own.keys() if tensors[key].shape != own[key].shape)
    if misshapen or (tensors and len(strange) == len(tensors)) or (known and strange):
        raise _unfit(path, misshapen or strange, "base model, or another network")
    for key in tensors.keys() & own.keys():
        own[key].copy_(tensors[key])
    if known:
        return []
    return [
        f"{path}: {len(keys)} tensors {words} (first: {', '.join(keys[:_NAMED])})"
        for keys, words in (
            (strange, f"have no place in the {name} and were left out"),
            (absent, f"of the {name} are not in it and stay as they are"),
        )
        if keys
    ]


def _unfit(path: Path, keys: Sequence[str], other: str) -> TunesmithError:
    named = f" (first: {', '.join(keys[:_NAMED])})" if keys else ""
    return TunesmithError(
        msg(
            "this checkpoint does not fit: {count} of its names or shapes are not the model's{named}",
            count=len(keys),
            named=named,
        ),
        where=str(path),
        remedy=msg("It belongs to another {other}.", other=other),
    )

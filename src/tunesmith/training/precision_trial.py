"""What `model.precision: auto` takes on a CPU that multiplies bf16 itself: the faster one at the run's own shapes.

One clip of the first update goes through one block of every network that would be held in bf16, forward and backward,
in either precision. A block of few weights is not tried: it gains little, and by chance.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import nn

from tunesmith.adapters.fused import fused
from tunesmith.families.contract import Batch, Family
from tunesmith.recipe.models import Recipe
from tunesmith.records.environment import PrecisionTrial
from tunesmith.training.schedule import Schedule

FEWEST_WEIGHTS = 3_000_000
"""Of a block that is tried; one of width 512 has four million. Blocks of pocket models have under one."""
GAIN = 1.3
"""bf16 is taken from this gain on: less than that may be chance, and fp32 rounds less."""
PASSES, LONG = 3, 0.25
"""The fastest of so many passes counts, and a pass longer than so many seconds is the last."""


class _Reached(Exception):  # noqa: N818 - it is no error
    """The block was reached, with these arguments."""

    def __init__(self, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        super().__init__()
        self.arguments, self.named = arguments, named


def tried(family: Family, base: Mapping[str, nn.Module], recipe: Recipe, schedule: Schedule) -> PrecisionTrial | None:
    """Both precisions tried on base networks as they were loaded; ``None`` where nothing is large enough to gain."""
    names = [
        name
        for name in dict.fromkeys(name for phase in family.networks.phases() for name in phase.networks)
        if name not in family.networks.full_precision and _large(family, name, base[name])
    ]
    if not names:
        return None
    batch = _one_clip(family, schedule)
    fp32 = bf16 = 0.0
    for name in names:
        block = family.networks.repeated_blocks(name, base[name])[0]
        reached = _reach(family, {name: base[name]}, block, batch)
        full = recipe.adapter.of(name).kind == "full"
        fp32 += _seconds(block, reached, half=False, full=full)
        bf16 += _seconds(block, reached, half=True, full=full)
    return PrecisionTrial(fp32=round(fp32, 4), bf16=round(bf16, 4), taken="bf16" if fp32 >= GAIN * bf16 else "fp32")


def _large(family: Family, name: str, network: nn.Module) -> bool:
    blocks = family.networks.repeated_blocks(name, network)
    return len(blocks) > 0 and sum(p.numel() for p in blocks[0].parameters()) >= FEWEST_WEIGHTS


def _one_clip(family: Family, schedule: Schedule) -> Batch:
    items, crops, rngs, _ = schedule.items(0)
    first = items[0]
    return family.objective.collate([schedule.clips.read(first, crops[first])], [rngs[first]])


def _reach(family: Family, networks: Mapping[str, nn.Module], block: nn.Module, batch: Batch) -> _Reached:
    """What the loss gives to a block; it is not computed any further."""

    def stop(_module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        raise _Reached(arguments, named)

    hook = block.register_forward_pre_hook(stop, with_kwargs=True)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]), torch.autocast("cpu", torch.bfloat16):
            family.objective.loss(networks, batch, None)
    except _Reached as reached:
        return reached
    finally:
        hook.remove()
    raise RuntimeError("the loss does not reach the repeated block")


def _given(value: Any, kind: torch.dtype) -> Any:
    """Arguments with all their floats in a precision, those of tuples, mappings and dataclasses too."""
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _given(getattr(value, each.name), kind) for each in fields(value)})
    if isinstance(value, Mapping):
        return {key: _given(each, kind) for key, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_given(each, kind) for each in value)
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.detach().to(kind)
    return value


def _seconds(block: nn.Module, reached: _Reached, *, half: bool, full: bool) -> float:
    """Processor seconds of the fastest pass, as training computes: weights held in the precision unless they train."""
    kind = torch.bfloat16 if half and not full else torch.float32
    block = copy.deepcopy(block).to(kind).requires_grad_(full)
    (stream, *others), named = _given((reached.arguments, reached.named), kind)
    stream.requires_grad_(True)
    fastest = math.inf
    for _ in range(PASSES):
        begun = time.process_time()
        with fused([block]):
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                output = block(stream, *others, **named)
            output = output[0] if isinstance(output, tuple) else output
            output.float().sum().backward()
        last = time.process_time() - begun
        fastest = min(fastest, last)
        if last > LONG:
            break
    return fastest

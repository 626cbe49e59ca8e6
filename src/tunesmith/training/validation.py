"""Held-out loss on fixed windows with nothing random: the only number that decides which checkpoint is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from tunesmith.adapters.fused import fused
from tunesmith.data.batches import micro_batches
from tunesmith.data.samples import in_order
from tunesmith.families.contract import Batch, Family
from tunesmith.families.loss_terms import LossAccumulator, LossResult
from tunesmith.training.clips import Clips
from tunesmith.training.state import TrainState, to_device

Item = Mapping[str, Any]


def fixed_items(clips: Clips, limit: int | None = None) -> list[Item]:
    """The first window of every clip (of the first ``limit`` clips by id)."""
    order = in_order(clips.ids)[:limit]
    return [clips.read(i, clips.crop(i, None)) for i in order]


def fixed_batches(family: Family, items: Sequence[Item], size: int) -> list[Batch]:
    """Items in batches of like length; nothing is drawn."""
    lengths = np.array([_length(item) for item in items], np.int64)
    cut = micro_batches(range(len(items)), lengths, size=size)
    return [family.objective.collate([items[i] for i in batch], None) for batch in cut]


def _length(item: Item) -> int:
    if "crop" in item:
        return int(item["crop"][1])
    return max(max(np.asarray(array).shape, default=1) for array in item.values())


def measure(state: TrainState, batches: Sequence[Batch]) -> LossResult:
    """Loss of the present stage over batches with the state's current weights; call inside ``state.measuring()``."""
    with state.accelerator.autocast():
        return measure_networks(state.family, state.active, batches, state.accelerator.device)


def measure_networks(
    family: Family, networks: Mapping[str, nn.Module], batches: Sequence[Batch], device: torch.device | str
) -> LossResult:
    """Loss of any networks over fixed batches, without gradients."""
    meter = LossAccumulator()
    with torch.no_grad(), fused(networks.values()):
        for batch in batches:
            meter.add(family.objective.loss(networks, to_device(batch, device), None))
    return meter.result()

"""Which clips make which update, and how an update is cut into micro-batches.

An update is a fixed set of clips; how it is cut into micro-batches, or spread over processes, changes nothing but speed
and memory, because the loop divides by the weights of the whole update. Clips of similar length share an update
(sorted inside windows of a shuffled epoch), so little is padded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from tunesmith.data.item_rng import ItemRng, key_of

WINDOW = 50
"""Updates' worth of clips sorted together: large enough that neighbours are alike, small enough to stay shuffled."""


@dataclass(frozen=True)
class EpochPlan:
    """The updates of one epoch.

    Attributes:
        order: Indices of the clips (int32), an update's ones together and ordered by length.
        turns: Numbers of the updates in ``order``, by their turn (int32).
        per_update: Clips of one update; the last in ``order`` may have fewer.
    """

    order: np.ndarray
    turns: np.ndarray
    per_update: int

    def update(self, turn: int) -> tuple[int, ...]:
        """The clips of one update, by index."""
        first = int(self.turns[turn]) * self.per_update
        return tuple(self.order[first : first + self.per_update].tolist())

    @property
    def updates(self) -> tuple[tuple[int, ...], ...]:
        """The clips of every update."""
        return tuple(map(self.update, range(len(self.turns))))


def plan_epoch(
    ids: Sequence[str],
    lengths: np.ndarray,
    *,
    per_update: int,
    seed: int,
    epoch: int,
    chosen: Sequence[int] | None = None,
) -> EpochPlan:
    """Shuffle, sort inside windows, cut into updates, shuffle the updates.

    Args:
        ids: Clip ids; the order depends on them and never on their position.
        lengths: Window length in frames per clip for this epoch.
        per_update: Clips per update over all processes.
        seed: The run's seed.
        epoch: Epoch number from 0.
        chosen: Indices of the clips of this epoch; all of them by default.
    """
    keys = np.fromiter((key_of(seed, epoch, name, "order") >> 64 for name in ids), np.uint64, len(ids))
    order = np.argsort(keys, kind="stable").astype(np.int32)
    if chosen is not None:
        is_chosen = np.zeros(len(ids), bool)
        is_chosen[np.asarray(chosen, np.int64)] = True
        order = order[is_chosen[order]]
    for at in range(0, len(order), WINDOW * per_update):  # an update never reaches into another window
        window = order[at : at + WINDOW * per_update]
        order[at : at + len(window)] = window[np.lexsort((keys[window], lengths[window]))]
    updates = -(-len(order) // per_update)
    turns = np.random.Generator(np.random.Philox(key=key_of(seed, epoch, "updates"))).permutation(updates)
    return EpochPlan(order, turns.astype(np.int32), per_update)


def micro_batches(
    update: Sequence[int], lengths: np.ndarray | Mapping[int, int], *, size: int, token_budget: int | None = None
) -> list[list[int]]:
    """Cut an update into micro-batches of at most ``size`` clips and ``token_budget`` padded frames.

    A clip longer than the budget gets a micro-batch of its own.
    """
    batches: list[list[int]] = []
    for index in sorted(update, key=lambda i: (int(lengths[i]), i)):
        current = batches[-1] if batches else None
        fits = current is not None and len(current) < size
        if fits and token_budget is not None and current is not None:
            fits = int(lengths[index]) * (len(current) + 1) <= token_budget
        if fits and current is not None:
            current.append(index)
        else:
            batches.append([index])
    return batches


def padding_share(batches: Sequence[Sequence[int]], lengths: np.ndarray) -> float:
    """Share of frames that are padding when each batch is padded to its longest clip."""
    real = sum(int(lengths[i]) for batch in batches for i in batch)
    padded = sum(len(batch) * max(int(lengths[i]) for i in batch) for batch in batches)
    return 1 - real / padded if padded else 0.0


class EpochDraws(Sequence[ItemRng]):
    """The draws of every clip in one epoch."""

    def __init__(self, seed: int, epoch: int, ids: Sequence[str]) -> None:
        self.seed, self.epoch, self.ids = seed, epoch, ids

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> ItemRng: ...
    @overload
    def __getitem__(self, index: slice) -> EpochDraws: ...
    def __getitem__(self, index: int | slice) -> ItemRng | EpochDraws:
        """The draws of one clip, or of those of a slice."""
        if isinstance(index, slice):
            return EpochDraws(self.seed, self.epoch, self.ids[index])
        return ItemRng(self.seed, self.epoch, self.ids[index])

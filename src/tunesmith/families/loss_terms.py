"""How named loss terms of many micro-batches become one number: sums first, one division at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def combine(terms: Mapping[str, LossTerm], totals: Mapping[str, float]) -> torch.Tensor | None:
    """One micro-batch's contribution to the update's loss.

    Args:
        terms: The micro-batch's terms.
        totals: Weight of each term over the whole update, all micro-batches and processes.

    Returns:
        A scalar whose sum over the update is the update's loss, or ``None`` when nothing here has weight.
    """
    counts = _group_counts({name: term.group for name, term in terms.items()}, totals)
    parts = [
        term.sum * (term.scale / (totals[name] * counts[term.group])) for name, term in terms.items() if term.weight > 0
    ]
    return sum(parts[1:], parts[0]) if parts else None


def _group_counts(groups: Mapping[str, str], totals: Mapping[str, float]) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    for name, group in groups.items():
        counts[group] += totals[name] > 0
    return counts


@dataclass(frozen=True)
class LossResult:
    """A loss over a set of batches: the total and each term's mean."""

    loss: float
    terms: dict[str, float]


class LossAccumulator:
    """Adds up terms on the device and divides once, so that measuring costs one synchronisation."""

    def __init__(self) -> None:
        self._sums: dict[str, torch.Tensor] = {}
        self._weights: dict[str, float] = defaultdict(float)
        self._kinds: dict[str, tuple[str, float]] = {}

    def add(self, terms: Mapping[str, LossTerm]) -> None:
        """Add one micro-batch."""
        for name, term in terms.items():
            total = term.sum.detach().double() if term.sum.device.type != "mps" else term.sum.detach()
            self._sums[name] = self._sums[name] + total if name in self._sums else total
            self._weights[name] += term.weight
            self._kinds[name] = (term.group, term.scale)

    def result(self) -> LossResult:
        """Total loss and term means over everything added."""
        means = {name: float(total) / self._weights[name] for name, total in self._sums.items() if self._weights[name]}
        return LossResult(total_of(means, self._kinds), means)


def total_of(means: Mapping[str, float], kinds: Mapping[str, tuple[str, float]]) -> float:
    """The loss from term means: the mean of each group's non-empty terms, times the group's scale, summed."""
    groups: dict[str, list[float]] = defaultdict(list)
    for name, mean in means.items():
        group, scale = kinds[name]
        groups[group].append(mean * scale)
    return sum(sum(values) / len(values) for values in groups.values())


def add_weights(weights: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Weights by term over several micro-batches."""
    totals: dict[str, float] = defaultdict(float)
    for one in weights:
        for name, weight in one.items():
            totals[name] += weight
    return dict(totals)


@dataclass(frozen=True)
class LossTerm:
    """One named part of a loss over a micro-batch.

    The loop adds ``sum`` and ``weight`` over every micro-batch and process of an update and only then divides, so
    neither padding nor batch shape changes what an item counts.

    Attributes:
        sum: Scalar tensor, the summed loss over ``weight`` valid positions.
        weight: How many valid positions (tokens, frames) it was summed over.
        group: Terms of one group are averaged over those that have any weight; an empty codebook is left out.
        scale: The group's share in the total (all terms of a group carry the same one).
    """

    sum: torch.Tensor
    weight: float
    group: str = "loss"
    scale: float = 1.0

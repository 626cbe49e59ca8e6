"""How named loss terms of many micro-batches become one number: sums first, one division at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def combine(terms: Mapping[str, LossTerm], totals: Mapping[str, float]) -> torch.Tensor | None:
    """One micro-batch's contribution to the update's loss.

    Args:
        terms: The micro-batch's terms.
        totals: Denominator of each term over the whole update, all micro-batches and processes.

    Returns:
        A scalar whose sum over the update is the update's loss, or ``None`` when nothing here counts.
    """
    counts = _group_counts({name: term.reduction_group for name, term in terms.items()}, totals)
    parts = [
        term.sum * (term.weight / (totals[name] * counts[term.reduction_group]))
        for name, term in terms.items()
        if term.denominator > 0
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
        self._denominators: dict[str, float] = defaultdict(float)
        self._kinds: dict[str, tuple[str, float]] = {}

    def add(self, terms: Mapping[str, LossTerm]) -> None:
        """Add one micro-batch."""
        for name, term in terms.items():
            total = term.sum.detach().double() if term.sum.device.type != "mps" else term.sum.detach()
            self._sums[name] = self._sums[name] + total if name in self._sums else total
            self._denominators[name] += term.denominator
            self._kinds[name] = (term.reduction_group, term.weight)

    def sums(self) -> dict[str, TermSum]:
        """What was added so far, by term, as plain numbers that another process can read."""
        import torch

        if not self._sums:
            return {}
        totals = torch.stack(list(self._sums.values())).tolist()  # all at once: each would wait for the device
        return {
            name: TermSum(total, self._denominators[name], *self._kinds[name])
            for name, total in zip(self._sums, totals, strict=True)
        }

    def result(self) -> LossResult:
        """Total loss and term means over everything added."""
        return result_of([self.sums()])


def summed(terms: Mapping[str, LossTerm]) -> dict[str, TermSum]:
    """One micro-batch's terms as plain numbers."""
    meter = LossAccumulator()
    meter.add(terms)
    return meter.sums()


@dataclass(frozen=True)
class TermSum:
    """A term's sum over some batches, what it is divided by, its reduction group and that group's weight."""

    sum: float
    denominator: float
    group: str
    weight: float


def result_of(parts: Sequence[Mapping[str, TermSum]]) -> LossResult:
    """Total loss and term means over what several accumulators, or processes, have added."""
    kinds = {name: (term.group, term.weight) for part in parts for name, term in part.items()}
    means = {}
    for name in kinds:
        terms = [part[name] for part in parts if name in part]
        if denominator := sum(term.denominator for term in terms):
            means[name] = sum(term.sum for term in terms) / denominator
    return LossResult(total_of(means, kinds), means)


def total_of(means: Mapping[str, float], kinds: Mapping[str, tuple[str, float]]) -> float:
    """The loss from term means: the mean of each group's non-empty terms, times the group's weight, summed."""
    groups: dict[str, list[float]] = defaultdict(list)
    for name, mean in means.items():
        group, weight = kinds[name]
        groups[group].append(mean * weight)
    return sum(sum(values) / len(values) for values in groups.values())


def add_denominators(denominators: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Denominators by term over several micro-batches."""
    totals: dict[str, float] = defaultdict(float)
    for batch_denominators in denominators:
        for name, denominator in batch_denominators.items():
            totals[name] += denominator
    return dict(totals)


@dataclass(frozen=True)
class LossTerm:
    """One named part of a loss over a micro-batch.

    The loop adds ``sum`` and ``denominator`` over every micro-batch and process of an update and only then divides, so
    neither padding nor batch shape changes what an item counts.

    Attributes:
        sum: Scalar tensor, the summed loss over ``denominator`` valid positions.
        denominator: How many valid positions (tokens, frames) it was summed over.
        reduction_group: Terms of one group are averaged over those that count anything; an empty codebook is left out.
        weight: The group's weight in the total (all terms of a group carry the same one).
    """

    sum: torch.Tensor
    denominator: float
    reduction_group: str = "loss"
    weight: float = 1.0

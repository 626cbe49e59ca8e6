"""Base against adapter on the same prompts and seeds: the difference, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.errors import TunesmithError
from tunesmith.records.speech_comparison import Judgement
from tunesmith.texts import msg


@dataclass(frozen=True)
class Paired:
    """A paired comparison.

    Attributes:
        median_difference: Median of adapter minus base (NaN with no pair).
        p_value: Two-sided Wilcoxon signed-rank test; 1 when nothing differs or there is no pair. With n pairs it
            cannot fall under 2 / 2^n, so under six pairs it never reaches 0.05.
        n: Pairs where both could be measured.
    """

    median_difference: float
    p_value: float
    n: int


def paired(base_values: Sequence[float], adapter_values: Sequence[float]) -> Paired:
    """Tells how one signal moved from base to adapter.

    Args:
        base_values: One value per prompt and seed; NaN where it could not be measured.
        adapter_values: The same prompts and seeds, in the same order.

    Returns:
        Paired.

    Raises:
        TunesmithError: when the two lists differ in length.

    Source: Wilcoxon (1945), exact for small n, as in ``scipy.stats.wilcoxon``.
    """
    from scipy.stats import wilcoxon

    if len(base_values) != len(adapter_values):
        raise TunesmithError(
            msg(
                "{base_count} base values cannot be paired with {adapter_count} adapter values",
                base_count=len(base_values),
                adapter_count=len(adapter_values),
            ),
            remedy=msg("Generate both with the same prompts and seeds."),
        )
    difference = np.asarray(adapter_values, np.float64) - np.asarray(base_values, np.float64)
    difference = difference[np.isfinite(difference)]
    if len(difference) == 0:
        return Paired(math.nan, 1.0, 0)
    moved = np.abs(difference) > 1e-12
    p_value = float(wilcoxon(difference[moved]).pvalue) if moved.any() else 1.0
    return Paired(float(np.median(difference)), p_value, len(difference))


@dataclass(frozen=True)
class Interval:
    """Where the typical difference lies.

    Attributes:
        estimate: Median of all pairwise means of the differences (NaN with no pair).
        low: Lower end; NaN with too few pairs for this confidence.
        high: Upper end.
        n: Pairs where both could be measured.
    """

    estimate: float
    low: float
    high: float
    n: int

    def judgement(self, least: float) -> Judgement:
        """Whether the difference matters, where lower is better.

        Args:
            least: The smallest difference that matters.

        Returns:
            ``worse`` or ``better`` when the interval lies beyond 0 and the estimate reaches ``least``; ``unchanged``
            when the interval lies within it; else ``unknown``.
        """
        if max(abs(self.low), abs(self.high)) <= least:
            return "unchanged"
        if self.low > 0 and self.estimate >= least:
            return "worse"
        if self.high < 0 and self.estimate <= -least:
            return "better"
        return "unknown"


def interval(differences: Sequence[float], alpha: float = 0.02) -> Interval:
    """A confidence interval of the typical paired difference, without assuming its distribution.

    Args:
        differences: Adapter minus base; NaN where either could not be measured.
        alpha: Chance that the interval misses; 2 % needs seven pairs (:func:`fewest_pairs`).

    Source: Hodges & Lehmann 1963, "Estimates of Location Based on Rank Tests": the test is Wilcoxon's, inverted.
    """
    known = np.asarray(differences, np.float64)
    known = known[np.isfinite(known)]
    if len(known) == 0:
        return Interval(math.nan, math.nan, math.nan, 0)
    first, second = np.triu_indices(len(known))
    means = np.sort((known[first] + known[second]) / 2)
    cut = _outside(len(known), alpha / 2)
    low, high = (float(means[cut - 1]), float(means[-cut])) if cut else (math.nan, math.nan)
    return Interval(float(np.median(means)), low, high, len(known))


def fewest_pairs(alpha: float = 0.02) -> int:
    """How many pairs an interval of this confidence needs."""
    return next(n for n in range(1, 64) if _outside(n, alpha / 2))


def _outside(count: int, tail: float) -> int:
    """How many of the sorted pairwise means are cut at one end: the largest k with P(signed rank sum < k) <= tail."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        ways[rank:] = ways[rank:] + ways[:-rank]
        ways /= 2
    return int(np.searchsorted(np.cumsum(ways), tail, side="right"))

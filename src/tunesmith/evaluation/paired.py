"""Base against adapter on the same prompts and seeds: the difference, and whether chance explains it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.errors import TunesmithError


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
            f"{len(base_values)} base values cannot be paired with {len(adapter_values)} adapter values",
            remedy="Generate both with the same prompts and seeds.",
        )
    difference = np.asarray(adapter_values, np.float64) - np.asarray(base_values, np.float64)
    difference = difference[np.isfinite(difference)]
    if len(difference) == 0:
        return Paired(math.nan, 1.0, 0)
    moved = np.abs(difference) > 1e-12
    p_value = float(wilcoxon(difference[moved]).pvalue) if moved.any() else 1.0
    return Paired(float(np.median(difference)), p_value, len(difference))

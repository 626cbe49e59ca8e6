"""Whether several paired differences are more than chance, all taken together: a permutation test by sign flips."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

FEWEST_PAIRS = 6
"""Of fewer pairs, 2 / 2^n of the flips are as extreme as the most extreme result: chance cannot be told at 5 %."""
_EXACT_PAIRS = 12
_RANDOM_FLIPS = 4000


def step_down(differences: Sequence[Sequence[float]]) -> list[float]:
    """P-values of several paired differences, adjusted so that all of them together err as rarely as one.

    Where nothing happened, base and adapter could be exchanged within any pair: every difference may have the other
    sign, in all features at once. A result counts as many times as its statistic is reached by the largest of all
    features under those flips. All flips are tried up to 12 pairs, 4000 drawn ones (of a fixed seed) above.

    Args:
        differences: (K, N): by feature, adapter minus base of every pair; NaN where it could not be measured.

    Returns:
        One p-value per feature, in order; 1 where nothing differs. With N pairs none falls under 2 / 2^N.

    Source: Westfall & Young 1993, "Resampling-Based Multiple Testing", the step-down max-T procedure: Holm's, with the
    features' dependence taken from the data.
    """
    values = np.nan_to_num(np.asarray(differences, np.float64))
    if values.size == 0:
        return [1.0] * len(values)
    scale = np.sqrt(np.square(values).sum(axis=1))
    unit = values / np.where(scale > 0, scale, 1.0)[:, None]
    statistics = np.abs(unit.sum(axis=1))
    flipped = np.abs(_flips(values.shape[1]) @ unit.T)
    adjusted, highest = np.ones(len(values)), 0.0
    order = np.argsort(-statistics, kind="stable")
    for place, feature in enumerate(order):
        if scale[feature] == 0:
            continue
        reached = flipped[:, order[place:]].max(axis=1) >= statistics[feature] - 1e-9
        highest = max(highest, float(reached.mean()))
        adjusted[feature] = highest
    return [float(p) for p in adjusted]


def _flips(pairs: int) -> np.ndarray:
    """Signs (F, N), the given ones first; those of the first pair stay, for turning all of them changes nothing."""
    if pairs <= _EXACT_PAIRS:
        codes = np.arange(2 ** (pairs - 1))[:, None] >> np.arange(pairs)[None]
        return 1.0 - 2.0 * (codes & 1)
    drawn = np.random.default_rng(0).integers(0, 2, (_RANDOM_FLIPS, pairs))
    return np.concatenate([np.ones((1, pairs)), 1.0 - 2.0 * drawn])

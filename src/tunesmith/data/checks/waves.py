"""How much level a clip loses from its beginning to its end."""

from __future__ import annotations

import math

import numpy as np

SILENCE_DBFS = -60.0
"""Under the noise floor of a quiet room in a recording at full scale."""
HOP_SECONDS = 0.05
"""Length of the pieces whose level is taken."""


def fade(hops_db: np.ndarray) -> tuple[float, float]:
    """How much level a clip loses, and how steadily.

    Args:
        hops_db: Level every 50 ms, in dB.

    Returns:
        The fall in dB from the first to the last third (75th percentiles), and the trend: -1 for only falling blocks,
        0 for none, +1 for only rising (Kendall's tau over blocks of a second or more). (0, 0) under 3 s.
    """
    size = max(round(1 / HOP_SECONDS), math.ceil(len(hops_db) / 60))
    count = len(hops_db) // size
    if count < 3:
        return 0.0, 0.0
    floored_db = np.maximum(hops_db, SILENCE_DBFS - 20)
    third = len(floored_db) // 3
    fall = np.percentile(floored_db[:third], 75) - np.percentile(floored_db[-third:], 75)
    levels = np.percentile(floored_db[: count * size].reshape(count, size), 90, axis=1)
    earlier, later = np.triu_indices(count, 1)
    return float(fall), float(np.sign(levels[later] - levels[earlier]).mean())

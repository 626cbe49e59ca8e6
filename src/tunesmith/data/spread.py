"""A few of many clips, spread evenly over all, the same ones every time."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.data.samples import in_order

PROBED = 8
"""Clips that are looked at one by one: enough to tell causes and checkpoints apart, and few forward passes."""


def spread_places(names: Sequence[str], most: int = PROBED) -> list[int]:
    """Places of at most so many of the names, evenly from all of them in order of name."""
    ordered = in_order(names)
    count = min(most, len(ordered))
    return [int(ordered[index * len(ordered) // count]) for index in range(count)]

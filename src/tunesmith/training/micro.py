"""A micro-batch of an update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Batch


class Micro(NamedTuple):
    """A collated micro-batch, its clips' draws, how many real frames it holds, and the denominators of its terms.

    One that is not ``counted`` is passed for the other processes' sake, and teaches nothing.
    """

    batch: Batch
    rngs: Sequence[ItemRng]
    frames: int
    denominators: Mapping[str, float]
    counted: bool = True

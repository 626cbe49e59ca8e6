"""How a frozen base may be kept in memory, and what that takes; needs neither torch nor the libraries that pack it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from tunesmith.texts import Message, msg

BaseWeights = Literal["full", "int8", "nf4"]


def packed_size(matrices: Sequence[tuple[int, int]], base_weights: BaseWeights) -> tuple[int, int]:
    """Parameters that ``base_weights`` packs, and their bytes.

    int8 adds a scale and a zero point to every row (5 bytes); NF4 a scale of 8 bits to every 64 weights, one of 4 bytes
    to every 256 of those, and tables of 16 and 256 values and an offset to each matrix.

    Args:
        matrices: Outputs and inputs of every matrix that can be packed.
        base_weights: How they are kept.
    """
    if base_weights == "full":
        return 0, 0
    weights = sum(rows * columns for rows, columns in matrices)
    if base_weights == "int8":
        return weights, weights + 5 * sum(rows for rows, _ in matrices)
    tables = 4 * (16 + 256 + 1) * len(matrices)
    return weights, round(weights * (1 / 2 + 1 / 64 + 4 / (64 * 256))) + tables


def packed_warnings(base_weights: BaseWeights) -> list[Message]:
    """What a user should know of a base that is not the published one; nothing of one that is."""
    if base_weights == "full":
        return []
    return [
        msg(
            "the base's matrices are kept in {packing}: its losses are a rounded model's, it saves memory and no "
            "time, and a merged export takes the checkpoint's full weights",
            packing=base_weights,
        )
    ]

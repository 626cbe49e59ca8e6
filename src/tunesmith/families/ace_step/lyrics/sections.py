"""The part of a lyric that belongs to a crop of its song."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tunesmith.families.ace_step.lyrics.tokens import LyricTokens

WORDLESS_LINES = 4
"""Lines that a section without words counts as: eight bars at two bars a line."""


def window(tokens: LyricTokens, start_share: float, end_share: float) -> tuple[int, ...]:
    """Ids of the sections that fall into a crop; see :func:`window_ids`."""
    kept = window_ids(np.asarray(tokens.ids), tokens.sections, tokens.section_lines, start_share, end_share)
    return tuple(int(value) for value in kept)


def window_ids(
    ids: np.ndarray, sections: Sequence[int], line_counts: Sequence[int], start_share: float, end_share: float
) -> np.ndarray:
    """``[START]`` and the ids of those sections whose share of the song's lines overlaps the crop.

    An approximation: lines are taken to be equally long and to fill the song from start to end, so a long instrumental
    that has no tag moves everything after it. A section is kept whole as soon as any of it falls into the crop.

    Args:
        ids: Ids of the whole lyric, ``[START]`` first, shape (L,).
        sections: Where in ``ids`` each section begins, ascending.
        line_counts: Lines of every section; it may be longer than ``sections`` where the ids were cut off.
        start_share: Where the crop begins, as a share of the song (0..1).
        end_share: Where it ends.

    Returns:
        Ids, shape (M,); empty when there are no lyrics or none are left in the crop.

    Raises:
        ValueError: for shares that are not ``0 <= start < end <= 1``.
    """
    if not 0 <= start_share < end_share <= 1:
        raise ValueError(f"the crop {start_share}..{end_share} is not a part of 0..1")
    ends = np.cumsum(line_counts) / max(1, int(np.sum(line_counts)))
    begins = np.concatenate([[0.0], ends[:-1]])
    stops = [*sections[1:], len(ids)]
    kept = [
        ids[begin:stop]
        for begin, stop, first, last in zip(sections, stops, begins, ends, strict=False)
        if first < end_share and last > start_share
    ]
    return np.concatenate([ids[:1], *kept]) if kept else ids[:0]

"""Which of the possible cuts are made: every clip within its length, at the best places, with little left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.data.slicing.gaps import Gap, Place

_LOST_FIXED, _LOST_PER_S = 3.0, 1.0
_LENGTH = 0.5
_PAUSE_INSIDE = 1.0
_LONG_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 2.0
_SLACK_S = 0.005


@dataclass(frozen=True)
class Slice:
    """One clip of a recording: seconds from its own start, and what its ends lie at."""

    start: float
    end: float
    begins_at: Place
    ends_at: Place


def choose(gaps: Sequence[Gap], shortest: float, longest: float, overlap: float) -> list[Slice]:
    """The cheapest way to cut a recording (dynamic programming over its gaps).

    Args:
        gaps: Where it may be cut, its ends first and last.
        shortest: Seconds of a clip at least; what no clip can hold is left out.
        longest: At most, the overlap included.
        overlap: Seconds of the clip before that a clip begins with, where the two follow each other without a pause.
    """
    best, back = [0.0], [-1]
    for end in range(1, len(gaps)):
        lost = gaps[end].stop - gaps[end - 1].start
        cost, origin = best[end - 1] + _LOST_FIXED + _LOST_PER_S * max(0.0, lost), ~(end - 1)
        for begin in range(end - 1, -1, -1):
            start = _start(gaps, begin, overlap, shortest)
            length = gaps[end].stop - start
            if gaps[end].stop - gaps[begin].start > longest:
                break
            if shortest - _SLACK_S <= length <= longest + _SLACK_S:
                value = best[begin] + gaps[end].cost + _shape(gaps, begin, end, length, shortest, longest)
                if value < cost:
                    cost, origin = value, begin
        best.append(cost)
        back.append(origin)
    slices, end = [], len(gaps) - 1
    while end > 0:
        origin = back[end]
        begin = origin if origin >= 0 else ~origin
        if origin >= 0:
            start = _start(gaps, begin, overlap, shortest)
            slices.append(Slice(start, gaps[end].stop, gaps[begin].place, gaps[end].place))
        end = begin
    return slices[::-1]


def _start(gaps: Sequence[Gap], begin: int, overlap: float, shortest: float) -> float:
    """Where the clip after a gap begins: with the overlap, at the place for a cut that is nearest to it."""
    gap = gaps[begin]
    if not overlap or begin == 0 or gap.start > gap.stop + _SLACK_S:
        return gap.start
    wanted = gap.start - overlap
    near = [other.start for other in gaps[:begin] if abs(other.start - wanted) <= overlap / 2]
    if not near and gap.place == "pause":  # anywhere else, a word would be cut
        return gap.start
    return max(gaps[0].start, min(near, key=lambda time: abs(time - wanted)) if near else wanted)


def _shape(gaps: Sequence[Gap], begin: int, end: int, length: float, shortest: float, longest: float) -> float:
    """What a clip costs besides its cut: far from the middle length, an odd number of bars, long pauses inside."""
    middle = (shortest + longest) / 2
    cost = _LENGTH * abs(length - middle) / max(middle, 1e-9)
    inside = gaps[begin + 1 : end]
    pauses = [gap.start - gap.stop for gap in inside]
    if max(pauses, default=0.0) > _LONGEST_PAUSE_S:
        return math.inf
    cost += sum(_PAUSE_INSIDE * max(0.0, pause - _LONG_PAUSE_S) for pause in pauses)
    bars = 1 + sum(gap.place in ("bar", "section") for gap in inside)
    if gaps[end].place == "bar" and bars % 4:
        cost += 0.15 if bars % 2 == 0 else 0.3
    return cost

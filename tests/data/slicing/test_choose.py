"""Cuts are made where they cost least, every clip within its length, and only what fits into none is lost."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tunesmith.data.slicing.choose import choose
from tunesmith.data.slicing.gaps import Gap


def ends(seconds: float, *inner: Gap) -> list[Gap]:
    return [Gap(0.0, 0.0, "end"), *inner, Gap(seconds, seconds, "end")]


def bars(count: int, length: float = 2.0) -> list[Gap]:
    return ends(count * length, *(Gap(i * length, i * length, "bar") for i in range(1, count)))


def test_every_clip_is_within_its_length_and_nothing_is_lost() -> None:
    slices = choose(bars(40), 10.0, 20.0, 0.0)
    assert all(10.0 <= part.end - part.start <= 20.0 for part in slices)
    assert [part.start for part in slices[1:]] == [part.end for part in slices[:-1]]
    assert (slices[0].start, slices[-1].end) == (0.0, 80.0)
    assert all((part.end - part.start) / 2.0 % 4 == 0 for part in slices)  # in fours, where that is possible


def test_the_better_place_is_taken_and_long_silence_is_dropped() -> None:
    gaps = ends(24.0, Gap(7.9, 7.9, "quiet", 4.0), Gap(9.0, 13.0, "pause"), Gap(18.0, 18.0, "quiet", 4.0))
    slices = choose(gaps, 5.0, 15.0, 0.0)
    assert [(part.start, part.end) for part in slices] == [(0.0, 9.0), (13.0, 24.0)]


def test_what_is_too_short_is_lost_and_the_rest_is_not() -> None:
    gaps = ends(30.0, Gap(12.0, 20.0, "pause"), Gap(21.0, 29.0, "pause"))
    assert [(part.start, part.end) for part in choose(gaps, 5.0, 15.0, 0.0)] == [(0.0, 12.0)]
    assert choose(ends(2.0), 5.0, 15.0, 0.0) == []


@pytest.mark.parametrize("place", ["bar", "pause"])
def test_an_overlap_begins_at_a_place_to_cut(place: str) -> None:
    gaps = [gap if gap.place == "end" else Gap(gap.stop, gap.start, place) for gap in bars(20)]  # type: ignore[arg-type]
    slices = choose(gaps, 8.0, 16.0, 2.3)
    assert all(part.end - part.start <= 16.0 for part in slices)
    assert [before.end - after.start for before, after in pairwise(slices)] == [2.0] * (len(slices) - 1)

"""The lyrics of a crop."""

from __future__ import annotations

import numpy as np
import pytest

from tunesmith.families.ace_step.lyrics.sections import window, window_ids
from tunesmith.families.ace_step.lyrics.tokenizer import LyricTokenizer
from tunesmith.families.ace_step.lyrics.tokens import LyricTokens

IDS = np.array([9, 1, 1, 2, 2, 2, 3, 4, 4])
SECTIONS, COUNTS = (1, 3, 6, 7), (2, 4, 2, 2)  # shares 0-0.2, 0.2-0.6, 0.6-0.8, 0.8-1


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        (0.0, 1.0, [9, 1, 1, 2, 2, 2, 3, 4, 4]),
        (0.0, 0.2, [9, 1, 1]),
        (0.1, 0.3, [9, 1, 1, 2, 2, 2]),
        (0.2, 0.6, [9, 2, 2, 2]),
        (0.65, 0.7, [9, 3]),
        (0.7, 1.0, [9, 3, 4, 4]),
    ],
)
def test_sections_that_overlap_are_kept_whole(start: float, end: float, kept: list[int]) -> None:
    assert window_ids(IDS, SECTIONS, COUNTS, start, end).tolist() == kept


def test_cached_arrays_do() -> None:
    kept = window_ids(IDS, np.array(SECTIONS), np.array(COUNTS), 0.65, 0.7)
    assert kept.tolist() == [9, 3]


def test_sections_cut_off_still_take_their_time() -> None:
    assert window_ids(IDS[:6], SECTIONS[:2], COUNTS, 0.0, 0.1).tolist() == [9, 1, 1]
    assert window_ids(IDS[:6], SECTIONS[:2], COUNTS, 0.9, 1.0).tolist() == []


def test_no_lyrics_stay_none() -> None:
    assert window(LyricTokens(), 0.0, 0.5) == ()


def test_a_lyric_without_tags_is_one_section(small: LyricTokenizer) -> None:
    tokens = small.encode("one\ntwo\nthree", "en")
    assert window(tokens, 0.9, 1.0) == tokens.ids


def test_a_wordless_section_counts_as_four_lines(small: LyricTokenizer) -> None:
    tokens = small.encode("[inst]\n[verse]\na\nb\nc\nd", "en")
    assert window(tokens, 0.0, 0.5) == tokens.ids[: tokens.sections[1]]
    assert window(tokens, 0.5, 1.0) == (small.start, *tokens.ids[tokens.sections[1] :])


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.6, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_shares_that_are_none_are_refused(start: float, end: float) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        window_ids(IDS, SECTIONS, COUNTS, start, end)

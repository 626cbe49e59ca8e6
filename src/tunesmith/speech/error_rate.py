"""Character and word error rate, and the longest run of words that were left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunesmith.speech.syllables import by_character, has_pinyin, units


@dataclass(frozen=True)
class ErrorRate:
    """What a transcript gets wrong.

    Attributes:
        rate: Substitutions, deletions and insertions over the words (or characters) of the text; NaN where the text has
            none. Over 1 when much more was said than written.
        errors: Their number.
        length: Words or characters of the text.
        gap: Most of them left out in a row.
    """

    rate: float
    errors: int
    length: int
    gap: int


def error_rate(text: str, transcript: str) -> ErrorRate:
    """Holds a transcript against the text: by character for CJK, by word for spaced scripts, each where it stands.

    Args:
        text: What was to be said.
        transcript: What a transcriber heard.

    Returns:
        The rate; NaN also for a text with pinyin, which no transcript repeats.
    """
    wanted, got = units(text), units(transcript)
    if not wanted or has_pinyin(text):
        return ErrorRate(math.nan, 0, len(wanted), 0)
    errors, gap = compare(wanted, got)
    return ErrorRate(errors / len(wanted), errors, len(wanted), gap)


def compare(wanted: Sequence[str], got: Sequence[str]) -> tuple[int, int]:
    """Fewest edits that turn one sequence into another, and the longest run of deletions among those edits.

    Source: Wagner & Fischer 1974, "The String-to-String Correction Problem".
    """
    table = [list(range(len(got) + 1))]
    for row, unit in enumerate(wanted, 1):
        line, above = [row], table[-1]
        for column, other in enumerate(got, 1):
            line.append(min(above[column - 1] + (unit != other), above[column] + 1, line[-1] + 1))
        table.append(line)
    return table[-1][-1], _longest_gap(table, wanted, got)


def _longest_gap(table: Sequence[Sequence[int]], wanted: Sequence[str], got: Sequence[str]) -> int:
    row, column, run, longest = len(wanted), len(got), 0, 0
    while row:
        here = table[row][column]
        step = table[row - 1][column - 1] + (wanted[row - 1] != got[column - 1]) if column else -1
        if here == step:
            row, column, run = row - 1, column - 1, 0
        elif here == table[row - 1][column] + 1:
            row, run = row - 1, run + 1
        else:
            column -= 1
        longest = max(longest, run)
    return longest


def name_of(texts: Sequence[str]) -> str:
    """``CER`` where the texts are counted by character, ``WER`` where by word, ``CER/WER`` for both."""
    found = {by_character(unit[0]) for text in texts for unit in units(text)}
    return {frozenset({True}): "CER", frozenset({False}): "WER"}.get(frozenset(found), "CER/WER")

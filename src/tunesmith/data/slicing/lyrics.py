"""Which lines of a lyric belong to which part of its recording: by their times, else by their share, a guess."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STAMP = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
_WORD_STAMP = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>")
_META = re.compile(r"\[(?:ti|ar|al|by|offset|length|au|re|ve|la|#)\s*:[^\]]*\]", re.IGNORECASE)
_SECTION = re.compile(r"[\[【［][^\[\]【】［］]+[\]】］]")
_EARLY_S = 0.3
"""A line's time is that of its first word, or a little after."""
_WORDLESS_LINES = 4
"""Lines that a section without words counts as: eight bars at two bars a line."""


@dataclass(frozen=True)
class Line:
    """One line of words.

    Attributes:
        text: The words; empty for a section without any.
        section: The tag of the section that it stands in, with its brackets; empty before the first one.
        begins: Seconds at which it is sung.
        guessed: Whether that is a guess by its share of the lines.
    """

    text: str
    section: str
    begins: float
    guessed: bool


def is_timed(lyrics: str) -> bool:
    """Whether a lyric says when its lines are sung, as ``.lrc`` files do: ``[01:23.45] words``."""
    return len(_STAMP.findall(lyrics)) >= 2


def lines_of(lyrics: str, first: float, last: float) -> list[Line]:
    """The lines of a lyric with their times.

    Args:
        lyrics: As written, with times or without.
        first: Second at which the recording begins to sound; lines without times are spread from there
        last: to here.
    """
    return sorted(_timed(lyrics), key=lambda line: line.begins) if is_timed(lyrics) else _spread(lyrics, first, last)


def part_of(lines: Sequence[Line], start: float, end: float) -> str:
    """The lines that are sung in a part, each section under its tag."""
    written: list[str] = []
    section = ""
    for line in lines:
        early = 0.0 if line.guessed else _EARLY_S
        if not start - early <= line.begins < end - early:
            continue
        if line.section != section and line.section:
            written += ["", line.section] if written else [line.section]
        section = line.section
        if line.text:
            written.append(line.text)
    return "\n".join(written)


def _timed(lyrics: str) -> Iterator[Line]:
    section = ""
    for raw in lyrics.splitlines():
        stamps = _STAMP.findall(raw)
        text = _WORD_STAMP.sub("", _META.sub("", _STAMP.sub("", raw))).strip()
        if _SECTION.fullmatch(text):
            section = text
            continue
        if not text:
            continue
        for minutes, seconds in stamps:
            yield Line(text, section, 60 * int(minutes) + float(seconds.replace(":", ".")), guessed=False)


def _spread(lyrics: str, first: float, last: float) -> list[Line]:
    """Lines, all taken to be equally long; a section without words counts as four."""
    weighted: list[tuple[str, str, int]] = []
    section, empty = "", False
    for raw in lyrics.splitlines():
        text = raw.strip()
        if _SECTION.fullmatch(text):
            if empty:
                weighted.append(("", section, _WORDLESS_LINES))
            section, empty = text, True
        elif text:
            weighted.append((text, section, 1))
            empty = False
    if empty:
        weighted.append(("", section, _WORDLESS_LINES))
    total = sum(weight for *_, weight in weighted)
    lines, done = [], 0
    for text, tag, weight in weighted:
        middle = first + (last - first) * (done + weight / 2) / max(1, total)
        lines.append(Line(text, tag, middle, guessed=True))
        done += weight
    return lines

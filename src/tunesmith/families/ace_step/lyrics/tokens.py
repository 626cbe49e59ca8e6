"""Lyrics as ids, with the lines and sections they come from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LyricTokens:
    """One lyric's tokens.

    Attributes:
        ids: ``[START]`` and every line's ids with ``[SPACE]`` after each; empty when there are no lyrics.
        sections: Where in ``ids`` each section with a known tag begins, and what comes before the first tag.
        lines: Every line, also those beyond the limit.
        unknown: ``[UNK]`` among ``ids``.
        unknown_tags: Brackets that are no tag of the vocabulary, as written, each once.
        cut: Ids dropped beyond the limit of 4096.
        section_lines: Lines of words of every section (also of those cut off), 4 where it has none.
    """

    ids: tuple[int, ...] = ()
    sections: tuple[int, ...] = ()
    lines: tuple[LineTokens, ...] = ()
    unknown: int = 0
    unknown_tags: tuple[str, ...] = ()
    cut: int = 0
    section_lines: tuple[int, ...] = ()

    @property
    def unk_ratio(self) -> float:
        """Share of the text's tokens (0..1), language markers aside, that are ``[UNK]``; also beyond the limit."""
        texts = sum(max(0, len(line.ids) - 1) for line in self.lines)
        return sum(line.unknown for line in self.lines) / texts if texts else 0.0


@dataclass(frozen=True)
class LineTokens:
    """One line as it was read.

    Attributes:
        text: As written, without invisible characters; a tag and the words after it are two lines. Empty when blank.
        language: Language it was encoded as.
        cleaned: The text that was split into tokens (``wo3 men5``, ``[verse]``).
        ids: Its tokens, with the language's and without the ``[SPACE]`` that ends it.
        unknown: How many of them are ``[UNK]``.
    """

    text: str
    language: str
    cleaned: str = ""
    ids: tuple[int, ...] = ()
    unknown: int = 0

"""Lyrics to token ids: ``[START]``, then for each line its language's token, its text and ``[SPACE]``.

One function for training and generation. The order of tokens is that of upstream's inference
(``pipeline_ace_step.py``); its training splits the same text otherwise. What differs from both is the choice of
language (:mod:`languages`) and the reading of structure tags (:mod:`structure`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.families.ace_step.config import MAX_LYRIC_TOKENS
from tunesmith.families.ace_step.lyrics.clean import clean
from tunesmith.families.ace_step.lyrics.languages import line_languages, supported_code
from tunesmith.families.ace_step.lyrics.sections import WORDLESS_LINES
from tunesmith.families.ace_step.lyrics.structure import Piece, pieces
from tunesmith.families.ace_step.lyrics.vocabulary import load_vocabulary

TAG_LANGUAGE = "en"


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


class LyricTokenizer:
    """Encodes lyrics with one vocabulary.

    Args:
        vocabulary: A ``tokenizers`` JSON file with the markers of ACE-Step's (``[START]``, ``[en]``, ``[verse]`` …).

    Raises:
        TunesmithError: when the file is no such vocabulary.
    """

    def __init__(self, vocabulary: Path) -> None:
        self._tokenizer = load_vocabulary(vocabulary)
        entries = self._tokenizer.get_vocab(with_added_tokens=True)
        self.start, self.unknown, self.line_end = (entries[marker] for marker in ("[START]", "[UNK]", "[SPACE]"))

    def encode(self, lyrics: str, language: str = "auto") -> LyricTokens:
        """Encode a whole lyric.

        Args:
            lyrics: Lines of text with structure tags (``[verse]``) and, where wanted, a language mark before the words
                of a line (``[ja] ...``). Any line ends, byte-order mark, tabs and invisible characters are fine.
            language: Language of every line without a mark; ``auto`` decides by script and, for Latin letters, by all
                of the text. Tags are always encoded as English, as upstream does.

        Raises:
            TunesmithError: for a language that is not supported, and when a library that these lyrics need is missing.
        """
        parts = pieces(lyrics)
        if language.strip().casefold() in ("", "auto"):
            languages = _languages(parts, None)
        else:
            languages = _languages(parts, supported_code(language))
        lines = [self._line(part, code) for part, code in zip(parts, languages, strict=True)]
        return self._joined(parts, lines)

    def encode_line(self, text: str, language: str) -> list[int]:
        """Ids of one line as it stands: the language's token, then the cleaned text's."""
        return self._ids(clean(text, language), language)

    def _ids(self, cleaned: str, language: str) -> list[int]:
        marker = "zh-cn" if language == "zh" else language
        return list(self._tokenizer.encode(f"[{marker}]{cleaned}".replace(" ", "[SPACE]")).ids)

    def _line(self, part: Piece, language: str) -> LineTokens:
        if not part.text:
            return LineTokens("", language)
        cleaned = f"[{part.tag}]" if part.known else clean(part.text, language)
        ids = self._ids(cleaned, language)
        return LineTokens(part.text, language, cleaned, tuple(ids), ids.count(self.unknown))

    def _joined(self, parts: Sequence[Piece], lines: Sequence[LineTokens]) -> LyricTokens:
        if not any(part.text for part in parts):
            return LyricTokens()
        sequence = _Sequence([self.start])
        for part, line in zip(parts, lines, strict=True):
            sequence.add(part, line, self.line_end)
        ids = tuple(sequence.ids[:MAX_LYRIC_TOKENS])
        return LyricTokens(
            ids=ids,
            sections=tuple(begin for begin in sequence.sections if begin < len(ids)),
            lines=tuple(lines),
            unknown=ids.count(self.unknown),
            unknown_tags=tuple(sequence.unknown_tags),
            cut=len(sequence.ids) - len(ids),
            section_lines=tuple(count or WORDLESS_LINES for count in sequence.section_lines),
        )


@dataclass
class _Sequence:
    ids: list[int]
    sections: list[int] = field(default_factory=list)
    section_lines: list[int] = field(default_factory=list)
    unknown_tags: dict[str, None] = field(default_factory=dict)

    def add(self, part: Piece, line: LineTokens, line_end: int) -> None:
        if part.known or not self.sections:
            self.sections.append(len(self.ids))
            self.section_lines.append(0)
        if part.text and part.tag is None:
            self.section_lines[-1] += 1
        if part.tag is not None and not part.known:
            self.unknown_tags[part.text] = None
        self.unknown_tags.update(dict.fromkeys(part.unread))
        self.ids += [*line.ids, line_end]


def _languages(parts: Sequence[Piece], asked: str | None) -> list[str]:
    """Every piece's language: a tag's, its own mark's, what was asked for, or what the text itself says."""
    free = [part.text if part.text and part.tag is None and part.language is None else None for part in parts]
    texts = [text for text in free if text is not None]
    found = iter(line_languages(texts) if asked is None else [asked] * len(texts))
    return [
        next(found) if text is not None else part.language or TAG_LANGUAGE
        for part, text in zip(parts, free, strict=True)
    ]

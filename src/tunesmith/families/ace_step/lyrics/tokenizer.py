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
from tunesmith.families.ace_step.lyrics.tokens import LineTokens, LyricTokens
from tunesmith.families.ace_step.lyrics.vocabulary import load_vocabulary

TAG_LANGUAGE = "en"


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


def _languages(parts: Sequence[Piece], requested: str | None) -> list[str]:
    """Every piece's language: that of tags, of its mark, the requested one, or the one found from the text."""
    free = [part.text if part.text and part.tag is None and part.language is None else None for part in parts]
    texts = [text for text in free if text is not None]
    found = iter(line_languages(texts) if requested is None else [requested] * len(texts))
    return [
        next(found) if text is not None else part.language or TAG_LANGUAGE
        for part, text in zip(parts, free, strict=True)
    ]

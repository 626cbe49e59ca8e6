"""From a lyric as it was written to pieces: structure tags, lines of text with their language marks, blank lines."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from tunesmith.families.ace_step.lyrics.languages import marked_language

TAGS = (
    "start", "intro", "verse", "chorus", "bridge", "outro", "end", "inst", "solo", "hook", "pre-chorus", "break",
)  # fmt: skip
"""The tags that are one token of the vocabulary; any other is spelt out between two unknown tokens."""

_OTHER_NAMES = {
    "intro": "introduction opening イントロ 前奏 引子 전주 인트로",
    "verse": "strophe couplet estrofa 主歌 aメロ 벌스",
    "chorus": "refrain coro estribillo 副歌 サビ 후렴",
    "pre-chorus": "prechorus prehook prerefrain 导歌 導歌 预副歌 預副歌 bメロ",
    "bridge": "puente 桥段 橋段 过渡 過渡 ブリッジ 브릿지",
    "outro": "ending coda 尾奏 尾声 尾聲 アウトロ 아웃트로",
    "inst": "instrumental interlude intermezzo 间奏 間奏 纯音乐 純音樂 간주",
    "solo": "独奏 獨奏 ソロ 솔로",
    "break": "breakdown",
    "end": "结束 結束",
    "start": "开始 開始",
}
_NAMES = {name: name for name in TAGS} | {name: tag for tag, names in _OTHER_NAMES.items() for name in names.split()}
_FIRST_NAMES = ("intro", "verse", "chorus", "bridge", "outro")
"""Names that say the section even with other words after them (``[Verse two whispered]``)."""
_COUNTERS = re.compile(
    "[a-z]|st|nd|rd|th|one|two|three|four|five|six|seven|eight|nine|ten"
    "|ii|iii|iv|vi|vii|viii|ix|xi|xii|repeat|repeated|reprise|again|times"
)
_LONGEST, _MOST_WORDS = 60, 3

_BRACKETS = re.compile(r"[\[【［]([^\[\]【】［］]*)[\]】］]")
_ASIDE = re.compile(r"\s[-–—]\s|[:：|,，;；(（/]")  # what follows names a singer or a mood
_LETTERS = re.compile(r"[^\W\d_]+")
_COUNT_IN_WORD = re.compile(
    r"^第?[一二三四五六七八九十两]+[段遍次节]?(?=.)"
    r"|(?<=.)(?:第?[一二三四五六七八九十两]+[段遍次节]?|[重反][复複復]|[a-c])$"
)
"""What Chinese joins to a name without a space (``第二段主歌``, ``副歌重复``), and letters (``主歌A``)."""

_HEADING = re.compile(
    r"(?P<written>[(（](?P<inner>[^()（）]{1,60})[)）]|(?P<name>[^:：()（）]{1,60})(?=[:：]))[:：]?(?P<rest>.*)"
)
_NAME_ALONE = re.compile(r"[\w\s.#'’-]+(?:[(（]?\s*(?:[x×]\s?\d+|repeat(?:ed)?)\s*[)）]?)?")
_FRAME = "*#_<>=~-–—| "
_QUALIFIERS = frozenset((
    "first", "second", "third", "final", "last", "double", "half", "big", "rap", "piano", "guitar", "drum", "sax",
    "bass", "synth", "vocal", "pre", "post",
))  # fmt: skip
_SUNG = ("verse", "chorus", "pre-chorus", "bridge", "intro", "outro", "hook")
"""Sections whose words may follow on the line of their name (``Verse 1: la la``)."""
_BARE = frozenset((
    "verse", "chorus", "prechorus", "bridge", "intro", "outro", "interlude", "instrumental", "refrain",
))  # fmt: skip
"""Names that no line of words consists of, so that a line of nothing else is structure."""
_DIRECTION = re.compile(
    r"[(（]?\s*(?:[x×]\s?\d+|\d+\s?[x×]|repeat\b[^()]*|spoken|whisper(?:ed|ing)?|fade(?:s|d)?(?: ?out)?|ad[- ]?libs?"
    r"|music|重[复複].*|反[复復].*|念白|独白)\s*[)）]?|[^\W\d_]+(?: ?\d+)?\s*[:：]",
    re.IGNORECASE,
)
"""Lines that say how to sing, or who, and are no words: they are read out, and named."""
# Marks that neither sound nor show. Joiners carry meaning in Arabic and Devanagari (and have tokens), nowhere else.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff]"
    "|(?<![\u0600-\u06ff\u0900-\u097f])[\u200c\u200d]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Piece:
    """One line to encode.

    Attributes:
        text: As written, tidied; empty for a blank line.
        tag: ``verse`` …, or the text itself in small letters where a tag is not known; ``None`` for words and blanks.
        known: Whether ``tag`` is one of :data:`TAGS`.
        language: Language that a mark on this line asks for.
        unread: Brackets of a line of words that are no tag of the vocabulary.
    """

    text: str
    tag: str | None = None
    known: bool = False
    language: str | None = None
    unread: tuple[str, ...] = ()


def pieces(lyrics: str) -> list[Piece]:
    """Split a lyric; blank lines around it are left out, since a final line break says nothing.

    A tag ends the line it is on: ``[Bridge] la la`` and ``la [Bridge] la`` are read as if the tag stood on a line of
    its own. An unknown bracket at the start of a line is taken for a tag too; inside a line it stays text, and is
    named in :attr:`Piece.unread`.
    """
    found: list[Piece] = []
    for line in lyrics.splitlines():
        text = tidy(line)
        found += _line(text) if text else [Piece("")]
    while found and not found[0].text:
        found.pop(0)
    while found and not found[-1].text:
        found.pop()
    return found


def tidy(text: str) -> str:
    """One line in composed Unicode (NFC), single spaces, without invisible characters."""
    text = unicodedata.normalize("NFC", _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text)))
    return " ".join(text.split())


def canonical_tag(name: str) -> str | None:
    """The vocabulary's tag for what stands between the brackets, or ``None``.

    Numbers, repeats and what follows a colon, a comma, a dash or a parenthesis are left off (``Verse 2: Ann`` is
    ``verse``); of what remains the last word decides (``Guitar Solo``), or the first where it names a section.
    """
    if len(name) > _LONGEST:
        return None
    words = _LETTERS.findall(_ASIDE.split(name.casefold())[0])
    while len(words) > 1 and _COUNTERS.fullmatch(words[-1]):
        words.pop()
    if not 0 < len(words) <= _MOST_WORDS:
        return None
    first, last = words[0], _without_count(words[-1])
    if "pre" in words[:-1] and _NAMES.get(last) in ("chorus", "hook"):
        return "pre-chorus"
    return _NAMES.get(last) or (first if first in _FIRST_NAMES else None)


def heading(text: str) -> tuple[str, str, str] | None:
    """A section's name that opens a line without square brackets: its tag, the name as written, the words after it.

    ``Verse 1:``, ``(Chorus)``, ``**Bridge**`` and ``主歌A`` are structure where nothing but a section's name and number
    stands there; words may follow the name of a section that is sung.
    """
    core = text.strip(_FRAME)
    found = _HEADING.match(core)
    if found:
        name, rest = found["inner"] or found["name"], found["rest"].strip()
        tag, written = _strict_tag(re.split("[:：]", name)[0]), core[: found.start("rest")].strip()
        return (tag, written if rest else text, rest) if tag and (not rest or tag in _SUNG) else None
    tag = _strict_tag(core)
    names = [_without_count(word) for word in _LETTERS.findall(core.casefold())]
    bare = any(name in _BARE or not name.isascii() for name in names if name in _NAMES)
    return (tag, text, "") if tag and bare and tag not in ("start", "end") else None


def _strict_tag(name: str) -> str | None:
    """The tag of a name that says nothing else: no other words but numbers and what kind of section it is."""
    if not _NAME_ALONE.fullmatch(name.strip()):
        return None
    words = [word for word in _LETTERS.findall(name.casefold()) if not _COUNTERS.fullmatch(word)]
    others = [word for word in words if _without_count(word) not in _NAMES and word not in _QUALIFIERS]
    return canonical_tag(name) if words and not others else None


def _without_count(word: str) -> str:
    """A word without the numbers that are joined to it, where that makes it a name."""
    shorter = word
    while shorter not in _NAMES and (next_shorter := _COUNT_IN_WORD.sub("", shorter, count=1)) != shorter:
        shorter = next_shorter
    return shorter if shorter in _NAMES else word


def _line(text: str) -> Iterator[Piece]:
    """The pieces of one line: cut at tags and at language marks, which hold for the words after them."""
    if opening := heading(text):
        section, written, rest = opening
        yield Piece(written, section, known=True)
        if rest:
            yield from _line(rest)
        return
    if _DIRECTION.fullmatch(text):
        yield Piece(text, unread=(text,))
        return
    unread: list[str] = []
    begin, language = 0, None
    for match in _BRACKETS.finditer(text):
        name = match[1].strip()
        before = text[begin : match.start()].strip()
        tag, mark = canonical_tag(name), marked_language(name)
        opens = name and not before and begin == 0 and language is None
        if tag is None and mark is None and not opens:
            unread += [match[0]] if name else []
            continue
        if before:
            yield Piece(before, language=language, unread=tuple(unread))
            unread = []
        if mark is None:
            yield Piece(match[0], tag or name.lower(), tag is not None)
        begin, language = match.end(), mark
    rest = text[begin:].strip()
    if rest:
        yield Piece(rest, language=language, unread=tuple(unread))
    elif language is not None:  # a mark without words marks nothing: it counts as an unknown tag
        yield Piece(f"[{language}]", language)

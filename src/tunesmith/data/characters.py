"""Characters that texts and names bring along and that no model reads and no file takes: what becomes of them."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNREADABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")

_DEEPEST = 32


def clean_text(text: str) -> str:
    """A text as models and files can take it.

    Control characters that end a line become line feeds; others and lone surrogates (halves of an emoji that a program
    cut in two) are taken out. U+2028 and U+2029 are characters like others, and stay.
    """
    text = _UNREADABLE.sub("", _LINE_ENDS.sub("\n", text))
    return _joined(text) if _SURROGATE.search(text) else text


def has_unreadable(text: str) -> bool:
    """Whether :func:`clean_text` takes anything out of a text."""
    return _UNREADABLE.search(text) is not None or (_SURROGATE.search(text) is not None and _joined(text) != text)


def clean_values(value: Any) -> Any:
    """A JSON value with every text in it cleaned by :func:`clean_text`; NaN and infinity become ``None``."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {clean_values(key): clean_values(item) for key, item in value.items()}
    return [clean_values(item) for item in value] if isinstance(value, list) else value


def is_nested(value: Any) -> bool:
    """Whether a JSON value is nested more deeply than anything that people write."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [item for item in level if isinstance(item, list | dict)]
        if not inner:
            return False
        level = [child for item in inner for child in (item.values() if isinstance(item, dict) else item)]
    return True


def shown(name: str) -> str:
    """A file's name as it can be written down: bytes that are not UTF-8 and characters that do not show, as codes."""
    return _UNPRINTABLE.sub(lambda found: _code(found[0]), name)


def same_name(name: str) -> str:
    """What two spellings of one name have in common: composed Unicode (NFC), as macOS decomposes what it stores."""
    return unicodedata.normalize("NFC", name)


def _joined(text: str) -> str:
    """A text with surrogates that belong together as one character, and without the others."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")


def _code(character: str) -> str:
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # how Python carries a byte of a name that is not UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()

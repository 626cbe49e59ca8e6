"""What is said of a clip besides its texts: tempo, key, metre and language, each of its own type."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from tunesmith.data.characters import clean_values, is_nested
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

_OTHER_NAMES = {
    "key_scale": "keyscale",
    "key": "keyscale",
    "time_signature": "timesignature",
    "vocal_language": "language",
}
_KEY = re.compile(r"[A-Ha-h]\s?(?:#|♯|b|♭|sharp|flat|is|es)?\s?-?(?:major|minor|maj|min|m|dur|moll)?", re.IGNORECASE)
_UNKNOWN = frozenset(("", "n/a", "na", "none", "null", "auto", "unknown", "nan", "-"))
_NUMBER = re.compile(r"(\d{1,4}(?:[.,]\d{1,9})?)(?:\s*bpm)?", re.IGNORECASE)


def typed(clip: str, attributes: Mapping[str, Any]) -> tuple[dict[str, Any], list[Finding]]:
    """Attributes with ``bpm`` as a number, and ``keyscale``, ``timesignature`` and ``language`` as texts.

    What means “not known” (empty, ``N/A``, NaN) is left out; what is of no use is left out with a warning.
    """
    kept: dict[str, Any] = {}
    problems = []
    for written, value in attributes.items():
        name = _name(written, value, attributes)
        if is_nested(value):
            problems.append(_left_out(clip, msg("its `{name}` is nested too deeply; it is left out", name=name)))
        elif name not in _TYPES:
            kept[name] = clean_values(value)
        elif not _is_unknown(value):
            kind, convert = _TYPES[name]
            if (converted := convert(value)) is not None:
                kept[name] = converted
                continue
            what = msg(
                "its `{name}` is {value}, and not {kind}; it is left out", name=name, value=str(value)[:60], kind=kind
            )
            problems.append(_left_out(clip, what))
    return kept, problems


def _name(written: str, value: Any, attributes: Mapping[str, Any]) -> str:
    """The field's name: of the four, in any case and under the other names they go by."""
    name = written.strip().casefold()
    other = _OTHER_NAMES.get(name, name)
    if name == "key" and not (isinstance(value, str) and (_KEY.fullmatch(value.strip()) or _is_unknown(value))):
        return written  # the key of a record, not of music
    taken = other != written and other in attributes
    return other if other in _TYPES and not taken else written


def _is_unknown(value: Any) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return True
    return value is None or (isinstance(value, str) and value.strip().casefold() in _UNKNOWN)


def _bpm(value: Any) -> float | int | None:
    if isinstance(value, str) and (match := _NUMBER.fullmatch(value.strip())):
        value = float(match[1].replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1000:
        return None
    return int(value) if value == int(value) else float(value)


def _text(value: Any) -> str | None:
    text = clean_values(value).strip() if isinstance(value, str) else ""
    return text if 0 < len(text) <= 60 else None


def _metre(value: Any) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 100:
        return str(value)
    return _text(value)


_TYPES: dict[str, tuple[Message, Callable[[Any], Any]]] = {
    "bpm": (msg("a number of beats per minute"), _bpm),
    "keyscale": (msg("the name of a key"), _text),
    "timesignature": (msg("a time signature"), _metre),
    "language": (msg("the name of a language"), _text),
}


def _left_out(clip: str, message: Message) -> Finding:
    return Finding(
        check="layout",
        level="warn",
        clip=clip,
        message=message,
        remedy=msg("Correct it where the clip's data stand, or leave it out."),
    )

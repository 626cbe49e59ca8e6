"""A sentence as data: the English template, which is its id in the catalogues, and the values in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tunesmith.texts.catalogue import translate

_NON_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}  # JSON has no such numbers
_LONGEST = 1e15
"""A number from here on is told by its power of ten."""


@dataclass(frozen=True)
class Message:
    """One sentence, or a part of one, in no language yet.

    Attributes:
        id: The English template, such as ``"{clip} is silent for {share:.0%}"``; the id in the catalogues.
        values: What stands in the braces.
        translations: Sentences by language of records that were written before there were catalogues.
    """

    id: str
    values: Mapping[str, Any] = field(default_factory=dict)
    translations: Mapping[str, str] = field(default_factory=dict)

    def render(self, language: str = "en") -> str:
        """The sentence in a language; in English where the catalogue of that language lacks it."""
        if language in self.translations:
            return self.translations[language]
        template = self.id if language == "en" else translate(self.id, language)
        if not self.values:
            return template
        return template.format_map({name: _rendered(value, language) for name, value in self.values.items()})

    def __str__(self) -> str:
        """The English sentence."""
        return self.render()

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return bool(self.id)

    def to_json(self) -> dict[str, Any]:
        """``{"id", "values", "text"}``; ``text`` is the English sentence."""
        record: dict[str, Any] = {"id": self.id, "values": {k: _plain(v) for k, v in self.values.items()}}
        if self.translations:
            record["translations"] = dict(self.translations)
        return record | {"text": str(self)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any] | str) -> Message:
        """The inverse of :meth:`to_json`; also of plain texts and ``{"en", "zh"}`` of records from before.

        Raises:
            ValueError: when it is none of these.
        """
        if isinstance(record, str):
            return cls.fixed(record)
        if not isinstance(record, Mapping):
            raise ValueError(msg("this is no sentence"))
        texts = [record.get(name, "") for name in ("id", "text", "en", "zh")]
        if not all(isinstance(text, str) for text in texts):
            raise ValueError(msg("this is no sentence"))
        template, text, en, zh = texts
        if "id" not in record:
            return cls.fixed(en, zh)
        values = {name: _message_or_value(value) for name, value in record.get("values", {}).items()}
        message = cls(template, values, record.get("translations", {}))
        try:
            str(message)
        except (LookupError, ValueError, TypeError, AttributeError):  # its values are not those of its template
            return cls.fixed(text)
        return message

    @classmethod
    def fixed(cls, en: str, zh: str = "") -> Message:
        """A sentence that is in no catalogue: words of the user's, or of a record from before."""
        if not en and not zh:
            return cls(id="")
        return cls(id="{text}", values={"text": en or zh}, translations={"zh": zh} if zh else {})


def msg(template: str, /, **values: Any) -> Message:
    """A sentence to be said; the template is extracted for translation, so it has to be a literal.

    Args:
        template: English, with ``{names}`` for the values as :meth:`str.format` takes them.
        values: Numbers, texts, further messages, or sequences of them, which are joined by commas.
    """
    return Message(id=template, values=values)


def as_message(said: str | Message | None) -> Message:
    """What may be plain words, or nothing, as a message."""
    return said if isinstance(said, Message) else Message.fixed(said or "")


NOTHING = Message(id="")
"""Where nothing is said."""
SEPARATOR = msg(", ")
"""What stands between the members of a list."""


class _InFull(float):
    """A number that is never told as ``1.6e+04``, which the formats that keep a few digits make of 16000."""

    def __format__(self, spec: str) -> str:
        text = super().__format__(spec)
        if "e+" not in text or abs(self) >= _LONGEST:
            return text
        return super().__format__(f"{spec.partition('.')[0].rstrip('g')}.0f")


def _rendered(value: Any, language: str) -> Any:
    if isinstance(value, float):
        return _InFull(value)
    if isinstance(value, Message):
        return value.render(language)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return SEPARATOR.render(language).join(str(_rendered(item, language)) for item in value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    return value if value is None or isinstance(value, str | int) else str(value)


def _message_or_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Message.from_json(value)
    if isinstance(value, list):
        return tuple(_message_or_value(item) for item in value)
    return _NON_FINITE.get(value, value) if isinstance(value, str) else value

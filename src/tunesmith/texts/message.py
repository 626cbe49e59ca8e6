"""A sentence as data: the English template, which is its id in the catalogues, and the values in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tunesmith.texts.catalogue import translate

SEPARATORS = {"en": ", ", "zh": "、"}


class Message(BaseModel):
    """One sentence, or a part of one, in no language yet.

    Attributes:
        id: The English template, such as ``"{clip} is silent for {share:.0%}"``; the id in the catalogues.
        values: What stands in the braces.
        translations: Sentences by language of records that were written before there were catalogues.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    values: dict[str, Any] = Field(default_factory=dict)
    translations: dict[str, str] = Field(default_factory=dict)

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
        """The inverse of :meth:`to_json`; also of plain texts and ``{"en", "zh"}`` of records from before."""
        if isinstance(record, str):
            return cls.fixed(record)
        if "id" not in record:
            return cls.fixed(record.get("en", ""), record.get("zh", ""))
        values = {name: _message_or_value(value) for name, value in record.get("values", {}).items()}
        return cls(id=record["id"], values=values, translations=record.get("translations", {}))

    @classmethod
    def fixed(cls, en: str, zh: str = "") -> Message:
        """A sentence that is in no catalogue: words of the user's, or of a record from before."""
        return cls(id="{text}", values={"text": en}, translations={"zh": zh} if zh else {})


def msg(template: str, /, **values: Any) -> Message:
    """A sentence to be said; the template is extracted for translation, so it has to be a literal.

    Args:
        template: English, with ``{names}`` for the values as :meth:`str.format` takes them.
        values: Numbers, texts, further messages, or sequences of them, which are joined by commas.
    """
    return Message(id=template, values=values)


def _rendered(value: Any, language: str) -> Any:
    if isinstance(value, Message):
        return value.render(language)
    if value is None:
        return math.nan  # JSON has null for numbers that are not finite; a format such as :.2f takes no None
    if isinstance(value, Sequence) and not isinstance(value, str):
        return SEPARATORS.get(language, ", ").join(str(_rendered(one, language)) for one in value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return value.to_json()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def _message_or_value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return Message.from_json(value)
    if isinstance(value, list):
        return tuple(_message_or_value(one) for one in value)
    return value

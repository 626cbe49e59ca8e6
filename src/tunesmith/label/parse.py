"""Check what a model wrote: it gives a valid answer, or an error that says what is wrong with it."""

from __future__ import annotations

import re

from pydantic import ValidationError

from tunesmith.label.schema import Recaption
from tunesmith.texts import Message, in_turn, msg

QUOTE_WORDS = 6
"""So many words in a row that also stand in the lyrics are a quotation."""

_STRUCTURE = re.compile(r"\[[^\]\n]*\]")
# Letters of scripts without spaces between words count as words of their own.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+(?:['’]\w+)*"
)


class UnusableAnswerError(ValueError):
    """Why an answer cannot be used; the model is told in English.

    Args:
        reason: What is wrong with the answer.
    """

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


def parse_answer(answer: str, lyrics: str = "") -> Recaption:
    """The answer as a checked record.

    Thoughts (``<think>``) are taken off, and the first balanced ``{…}`` is read, whatever stands around it.

    Raises:
        UnusableAnswerError: for an answer without JSON, one that breaks the schema, or a description that quotes the
            lyrics.
    """
    try:
        found = Recaption.model_validate_json(json_object(answer))
    except ValidationError as error:
        raise UnusableAnswerError(_explain(error)) from error
    quoted = quotation(found.descriptive, lyrics)
    if quoted:
        raise UnusableAnswerError(
            msg("`descriptive` repeats words that are sung (“{words}”); describe only the sound", words=quoted)
        )
    return found


def json_object(answer: str) -> str:
    """The first balanced ``{…}`` in a text, braces inside strings not counted.

    Raises:
        UnusableAnswerError: when there is none.
    """
    text = answer.rpartition("</think>")[2].partition("<think>")[0]
    start = text.find("{")
    if start < 0:
        raise UnusableAnswerError(msg("it holds no JSON object"))
    depth, quoted, escaped = 0, False, False
    for position in range(start, len(text)):
        letter = text[position]
        if escaped:
            escaped = False
        elif quoted and letter == "\\":
            escaped = True
        elif letter == '"':
            quoted = not quoted
        elif not quoted and letter in "{}":
            depth += 1 if letter == "{" else -1
            if depth == 0:
                return text[start : position + 1]
    raise UnusableAnswerError(msg("its JSON object is not closed"))


def quotation(text: str, lyrics: str) -> str:
    """The first run of six or more words that a text shares with the lyrics; empty when there is none."""
    sung = f" {' '.join(_words(_STRUCTURE.sub(' ', lyrics)))} "
    words = _words(text)
    for start in range(len(words) - QUOTE_WORDS + 1):
        length = QUOTE_WORDS
        if f" {' '.join(words[start : start + length])} " not in sung:
            continue
        while start + length < len(words) and f" {' '.join(words[start : start + length + 1])} " in sung:
            length += 1
        return " ".join(words[start : start + length])
    return ""


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in _WORD.findall(text)]


def _explain(error: ValidationError) -> Message:
    """What pydantic has to say, in its own English, with the name of each field."""
    return in_turn([_explain_field(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors()])


def _explain_field(name: str, reason: str) -> Message:
    return msg("`{name}`: {reason}", name=name, reason=reason) if name else Message.fixed(reason)

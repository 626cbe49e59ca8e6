"""Which language the reader of the terminal has."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from tunesmith.texts.catalogue import DOMAIN, LOCALE
from tunesmith.texts.message import Message, msg

VARIABLES = ("TUNESMITH_LANG", "TUNESMITH_LANGUAGE")
"""Either names the language, whatever the machine's locale is; the first one that is set counts."""
LANGUAGE_NAME = msg("English")
"""Every catalogue puts the name of its language in its place, for readers to choose by."""
LANGUAGES: tuple[str, ...] = ("en", *sorted(path.parts[-3] for path in Path(LOCALE).glob(f"*/LC_MESSAGES/{DOMAIN}.mo")))
"""English, which the code is written in, and every language that has a catalogue."""


@cache
def reader_language() -> str:
    """The language of the terminal: ``TUNESMITH_LANG`` (or ``TUNESMITH_LANGUAGE``), else the locale's, else English.

    A terminal that cannot show Unicode gets English.
    """
    asked = _first_set(VARIABLES)
    named = asked or _first_set(("LC_ALL", "LC_MESSAGES", "LANG"))
    language = (named or locale.getlocale()[0] or "en").replace("Chinese", "zh").split("_")[0].split(".")[0].lower()
    shows = bool(asked) or "utf" in (getattr(sys.stdout, "encoding", None) or "").lower()
    return language if language in LANGUAGES and shows else "en"


def _first_set(names: Sequence[str]) -> str:
    return next((value for name in names if (value := os.environ.get(name))), "")


def in_every_language(message: Message, separator: str = "\n") -> str:
    """The sentence in every language, English first: for help that is read before a language is set."""
    return separator.join(dict.fromkeys(message.render(language) for language in LANGUAGES))


def tr_all(template: str, /, separator: str = " ") -> str:
    """A sentence of the command line's help in every language; the template is extracted, so it has to be a literal."""
    return in_every_language(Message(template), separator)


def tr(template: str, /, **values: Any) -> str:
    """A sentence of the command line in the reader's language; the template is extracted, so it has to be a literal."""
    return msg(template, **values).render(reader_language())

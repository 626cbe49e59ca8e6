"""The catalogues: one gettext file per language in ``locale/``, with the English sentence as the id."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

LOCALE = Path(__file__).parent / "locale"
DOMAIN = "tunesmith"


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True)


def translate(template: str, language: str) -> str:
    """A template in a language; itself where no catalogue has it."""
    return _catalogue(language).gettext(template) if template else ""

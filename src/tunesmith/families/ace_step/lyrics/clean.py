"""A line of text to the spelling that the vocabulary was made for, by language.

The rules are those of XTTS v2's text front end as ``lyric_tokenizer.py`` has them: small letters, numbers and symbols
in words, Chinese, Japanese and Korean in Latin letters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tunesmith.families.ace_step.lyrics import chinese
from tunesmith.families.ace_step.lyrics.normalization import speak_abbreviations, speak_signs
from tunesmith.families.ace_step.lyrics.numbers import speak_numbers
from tunesmith.families.extras import require
from tunesmith.texts import msg

_SPACES = re.compile(r"\s+")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_TURKISH = str.maketrans("İÖÜ", "iöü")  # lower() would make two characters of İ


def clean(text: str, language: str) -> str:
    """The text that is split into tokens.

    Args:
        text: One line.
        language: A supported language. Hindi is only put in small letters, Japanese only in Latin letters.

    Raises:
        TunesmithError: when a library that this line needs is not installed.
    """
    if language == "ja":
        return _romaji(text)
    if language == "hi":
        return _SPACES.sub(" ", text.lower())
    text = text.replace('"', "")
    text = (text.translate(_TURKISH) if language == "tr" else text).lower()
    text = chinese.normalise(text) if language == "zh" else speak_numbers(text, language)
    text = speak_signs(speak_abbreviations(text, language), language)
    text = _SPACES.sub(" ", text).strip()
    if language == "zh":
        return chinese.pinyin(text)
    return _romanised_hangul(text) if language == "ko" else text


def _romanised_hangul(text: str) -> str:
    """Korean in the academic romanisation, a hyphen where syllables could be split in two ways."""
    return _transliterator().translit(text) if _HANGUL.search(text) else text


def _romaji(text: str) -> str:
    return _SPACES.sub(" ", _cutlet().romaji(text).lower())


@lru_cache(maxsize=1)
def _transliterator() -> Any:
    rule = require("hangul_romanize.rule", "lyrics", msg("Korean lyrics"))
    return require("hangul_romanize", "lyrics", msg("Korean lyrics")).Transliter(rule.academic)


@lru_cache(maxsize=1)
def _cutlet() -> Any:
    require("unidic_lite", "japanese", msg("Japanese lyrics"))
    return require("cutlet", "japanese", msg("Japanese lyrics")).Cutlet()

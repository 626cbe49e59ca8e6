"""Numbers in words, for every language but Chinese, with num2words (LGPL; imported where a digit appears)."""

from __future__ import annotations

import re
from collections.abc import Callable

from tunesmith.families.extras import require
from tunesmith.texts import msg

_CANNOT = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What num2words raises, depending on the language, for a number or a kind of number that it cannot say."""

_DIGIT = re.compile("[0-9]")
# Each begins at the start of a run of digits only, so a line of fifty thousand digits takes linear time.
_COMMAS = re.compile(r"\b\d{1,3}(?:,\d{3})*(?:\.\d+)?\b")
_DOTS = re.compile(r"\b\d{1,3}(?:\.\d{3})*(?:,\d+)?\b")
_DECIMAL = re.compile(r"(?<![0-9])([0-9]++[.,][0-9]+)")
_WHOLE = re.compile("[0-9]+")
_CURRENCY = {"£": "GBP", "$": "USD", "€": "EUR"}
_MONEY = [
    re.compile(rf"{re.escape(sign)}[0-9.,]*[0-9]|(?<![0-9.,])[0-9.,]*[0-9]{re.escape(sign)}") for sign in _CURRENCY
]
_ORDINAL_ENDINGS = {
    "en": "st|nd|rd|th",
    "es": "º|ª|er|o|a",
    "fr": "º|ª|er|re|e|ème",
    "de": r"st|nd|rd|th|º|ª|\.(?=\s|$)",
    "pt": "º|ª|o|a",
    "it": "º|°|ª|o|a|i|e",
    "pl": "º|ª|st|nd|rd|th",
    "ar": "ون|ين|ث|ر|ى",
    "ru": "-й|-я|-е|-ое|-ье|-го",
    "nl": "de|ste|e",
    "tr": r"\.|inci|nci|uncu|üncü",
    "hu": r"\.|adik|edik|odik|ödik|ik",
    "ko": "번째|번|차|째",
}
_ORDINAL = {
    language: re.compile(rf"(?<![0-9])([0-9]++)(?:{endings})") for language, endings in _ORDINAL_ENDINGS.items()
}
_BEFORE_CENTS = {"es": " con ", "fr": " et ", "de": " und ", "it": " e ", "pt": " e zero "}
"""What stands before the cents of a whole amount; elsewhere a comma."""


def speak_numbers(text: str, language: str) -> str:
    """Lower-case text with its numbers in words: thousands, money, decimals, ordinals, then what is left.

    A text with a number that num2words cannot say (too long, say) keeps its digits, which have tokens of their own.
    So do all Czech texts, as upstream's call for them fails with current num2words.

    Raises:
        TunesmithError: when num2words is needed and not installed.
    """
    if language not in _ORDINAL or not _DIGIT.search(text):
        return text
    say = require("num2words", "lyrics", msg("numbers in lyrics")).num2words
    try:
        return _spoken(text, language, say)
    except _CANNOT:
        return text


def _spoken(text: str, language: str, say: Callable[..., str]) -> str:
    if language in ("en", "ru"):
        text = _COMMAS.sub(lambda match: match[0].replace(",", ""), text)
    else:
        text = _DOTS.sub(lambda match: match[0].replace(".", ""), text)
    text = _spoken_money(text, language, say)
    if language != "tr":
        text = _DECIMAL.sub(lambda match: say(float(match[1].replace(",", ".")), lang=language), text)
    text = _ORDINAL[language].sub(lambda match: say(int(match[1]), ordinal=True, lang=language), text)
    return _WHOLE.sub(lambda match: say(int(match[0]), lang=language), text)


def _spoken_money(text: str, language: str, say: Callable[..., str]) -> str:
    """Amounts in the three currencies; one that cannot be said keeps its sign, whose name is put in later."""

    def amount(match: re.Match[str]) -> str:
        value = float(re.sub("[^0-9.]", "", match[0].replace(",", ".")))
        words = say(value, to="currency", currency=_CURRENCY[match[0].strip("0123456789.,")], lang=language)
        if not value.is_integer():
            return words
        whole, _, _cents = words.rpartition(_BEFORE_CENTS.get(language, ", "))
        return whole or words

    try:
        for pattern in _MONEY:
            text = pattern.sub(amount, text)
    except _CANNOT:
        pass
    return text

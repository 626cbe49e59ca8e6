"""Spoken forms of symbols and abbreviations, by language.

The words are those that the model was trained with (``lyric_tokenizer.py``), odd ones included: what counts is that
the same text gives the same tokens.
"""

from __future__ import annotations

import re

_SIGNS = "&@%#$£°"
_SPOKEN_SIGNS = {
    "en": "and at percent hash dollar pound degree",
    "es": "y arroba por_ciento numeral dolar libra grados",
    "fr": "et arobase pour_cent dièse dollar livre degrés",
    "de": "und at prozent raute dollar pfund grad",
    "pt": "e arroba por_cento cardinal dólar libra graus",
    "it": "e chiocciola per_cento cancelletto dollaro sterlina gradi",
    "pl": "i małpa procent krzyżyk dolar funt stopnie",
    "ar": "و على في_المئة رقم دولار جنيه درجة",
    "zh": "和 在 百分之 号 美元 英镑 度",
    "cs": "a na procento křížek dolar libra stupně",
    "ru": "и собака процентов номер доллар фунт градус",
    "nl": "en bij procent hekje dollar pond graden",
    "tr": "ve at yüzde diyez dolar sterlin derece",
    "hu": "és kukac százalék kettőskereszt dollár font fok",
    "ko": "그리고 에 퍼센트 번호 달러 파운드 도",
}
SIGNS = {
    language: {sign: word.replace("_", " ") for sign, word in zip(_SIGNS, words.split(), strict=True)}
    for language, words in _SPOKEN_SIGNS.items()
}

ABBREVIATIONS = {
    "en": {
        "mrs": "misess", "mr": "mister", "dr": "doctor", "drs": "doctors", "st": "saint", "co": "company",
        "jr": "junior", "maj": "major", "gen": "general", "rev": "reverend", "lt": "lieutenant", "hon": "honorable",
        "sgt": "sergeant", "capt": "captain", "esq": "esquire", "ltd": "limited", "col": "colonel", "ft": "fort",
    },
    "es": {
        "sra": "señora", "sr": "señor", "dr": "doctor", "dra": "doctora", "st": "santo", "co": "compañía",
        "jr": "junior", "ltd": "limitada",
    },
    "fr": {
        "mme": "madame", "mr": "monsieur", "dr": "docteur", "st": "saint", "co": "compagnie", "jr": "junior",
        "ltd": "limitée",
    },
    "de": {"fr": "frau", "dr": "doktor", "st": "sankt", "co": "firma", "jr": "junior"},
    "pt": {
        "sra": "senhora", "sr": "senhor", "dr": "doutor", "dra": "doutora", "st": "santo", "co": "companhia",
        "jr": "júnior", "ltd": "limitada",
    },
    "it": {
        "sig": "signore", "dr": "dottore", "st": "santo", "co": "compagnia", "jr": "junior", "ltd": "limitata",
    },
    "pl": {"p": "pani", "m": "pan", "dr": "doktor", "sw": "święty", "jr": "junior"},
    "cs": {"dr": "doktor", "ing": "inženýr", "p": "pan"},
    "nl": {"dhr": "de heer", "mevr": "mevrouw", "dr": "dokter", "jhr": "jonkheer"},
    "tr": {"b": "bay", "byk": "büyük", "dr": "doktor"},
    "hu": {"dr": "doktor", "b": "bácsi", "nőv": "nővér"},
    "ru": {"г-жа": "госпожа", "г-н": "господин", "д-р": "доктор"},
}  # fmt: skip
"""Written with a full stop, in Russian with a hyphen."""

_ABBREVIATED = {
    language: re.compile(rf"\b({'|'.join(words)})" + (r"\b" if language == "ru" else r"\."))
    for language, words in ABBREVIATIONS.items()
}
_SIGN = re.compile(f"[{_SIGNS}]")


def speak_abbreviations(text: str, language: str) -> str:
    """``dr.`` to ``doctor`` in lower-case text; languages without a table are left alone."""
    if language not in _ABBREVIATED:
        return text
    words = ABBREVIATIONS[language]
    return _ABBREVIATED[language].sub(lambda match: words[match[1]], text)


def speak_signs(text: str, language: str) -> str:
    """``&`` to `` and ``, with spaces around; the caller collapses them."""
    words = SIGNS[language]
    return _SIGN.sub(lambda match: f" {words[match[0]]} ", text)

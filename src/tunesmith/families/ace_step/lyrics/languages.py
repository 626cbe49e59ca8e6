"""Which language a line is encoded as: by its script, or for Latin letters by the whole text.

Upstream decides per line (inference) or per segment (training) with a statistical model, which takes "Lately I've been
wondering" for Dutch and loses all Chinese of a mixed line; here short lines are never judged alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.families.extras import require
from tunesmith.texts import msg

SUPPORTED = (
    "en", "de", "fr", "es", "it", "pt", "pl", "tr", "ru", "cs", "nl", "ar", "zh", "ja", "hu", "ko", "hi",
)  # fmt: skip
"""Languages with a token of their own in the vocabulary."""
LATIN = ("en", "de", "fr", "es", "it", "pt", "pl", "tr", "cs", "nl", "hu")
FALLBACK = "en"

_SCRIPTS = {
    "ja": "\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9d",
    "zh": "\u2e80-\u2fd5\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    "ko": "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3",
    "ru": "\u0400-\u052f",
    "ar": "\u0600-\u061a\u0620-\u065f\u066e-\u06ef\u06fa-\u06ff\u0750-\u077f\ufb50-\ufdff\ufe70-\ufefc",
    "hi": "\u0900-\u0963\u0970-\u097f",
}
_LETTERS = {language: re.compile(f"[{span}]") for language, span in _SCRIPTS.items()}
_LATIN_WORD = re.compile("[a-zA-Z\u00aa-\u02af\u1e00-\u1eff'’]+")
_JAPANESE_SHARE = 0.25
"""Share of kana among a text's kana and Han from which its lines without kana are Japanese too (prose has half)."""
_FEWEST_WORDS = 3
"""Different Latin words below which a text is not judged: "la la la" is no Spanish."""
_AMONG_ALL, _AMONG_SUPPORTED = 0.1, 0.9
"""Probability that the likeliest must have among all languages (Vietnamese leaves none) and among the supported."""


def supported_code(language: str) -> str:
    """One of :data:`SUPPORTED` for ``zh``, ``ZH``, ``zh-cn`` ….

    Raises:
        TunesmithError: for any other, listing them.
    """
    code = marked_language(language.strip())
    if code is None:
        raise TunesmithError(
            msg("the lyric vocabulary has no language {language!r}", language=language),
            where="options.language",
            remedy=msg("Use one of {languages}, or `auto`.", languages=SUPPORTED),
        )
    return code


def marked_language(mark: str) -> str | None:
    """The language that ``zh`` or ``zh-CN`` names, ``None`` if it names none that is supported."""
    code = re.fullmatch(r"([a-z]{2})([-_][a-z]{2,4})?", mark.casefold())
    return code[1] if code and code[1] in SUPPORTED else None


def line_languages(lines: Sequence[str]) -> list[str]:
    """A supported language for each line of one lyric.

    Any script but Latin decides for its line, whatever Latin words are in it: Hangul is ko, kana ja, Han zh (or ja in
    a Japanese text), Cyrillic ru, Arabic ar, Devanagari hi; of several the most frequent. Latin lines are all in the
    one language that py3langid finds for all Latin words of the text, ``en`` where it finds none of the supported or
    there is too little to judge. A line without letters goes with the majority.

    Raises:
        TunesmithError: when Latin words have to be judged and py3langid is not installed.
    """
    counts = [_count(line) for line in lines]
    kana, han = sum(count["ja"] for count in counts), sum(count["zh"] for count in counts)
    japanese = kana > 0 and kana >= _JAPANESE_SHARE * (kana + han)
    found = [_by_script(count, japanese) for count in counts]
    words = [_LATIN_WORD.findall(line) for line in lines]
    if any(line and not language for line, language in zip(words, found, strict=True)):
        latin = latin_language([word for line in words for word in line])
        found = [language or (latin if line else None) for language, line in zip(found, words, strict=True)]
    majority = Counter(language for language in found if language).most_common(1)
    return [language or (majority[0][0] if majority else FALLBACK) for language in found]


def latin_language(words: Sequence[str]) -> str:
    """The language of Latin words, ``en`` when in doubt.

    Raises:
        TunesmithError: when py3langid is needed and not installed.
    """
    different = dict.fromkeys(word.lower() for word in words if len(word) > 1)  # a chorus counts once
    if len(different) < _FEWEST_WORDS:
        return FALLBACK
    ranked = dict(_identifier().rank(" ".join(different)))
    best = max(LATIN, key=lambda language: ranked[language])
    certain = ranked[best] >= max(_AMONG_ALL, _AMONG_SUPPORTED * sum(ranked[language] for language in LATIN))
    return best if certain else FALLBACK


def _count(line: str) -> Counter[str]:
    if line.isascii():
        return Counter()
    return Counter({language: len(letters.findall(line)) for language, letters in _LETTERS.items()})


def _by_script(count: Counter[str], japanese: bool) -> str | None:
    if count["ja"] or (japanese and count["zh"]):
        count = count + Counter(ja=count["zh"])
        del count["zh"]
    language, letters = max(count.items(), key=lambda item: item[1], default=("", 0))
    return language if letters else None


@lru_cache(maxsize=1)
def _identifier() -> Any:
    module = require("py3langid.langid", "lyrics", msg("lyrics without `options.language`"))
    return module.LanguageIdentifier.from_pickled_model(module.MODEL_FILE, norm_probs=True)

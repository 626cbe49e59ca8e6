"""Numbers, signs and abbreviations in words; what cannot be said stays."""

from __future__ import annotations

import re
import time

import pytest

from tunesmith.families.ace_step.lyrics import chinese
from tunesmith.families.ace_step.lyrics.clean import clean
from tunesmith.families.ace_step.lyrics.languages import SUPPORTED
from tunesmith.families.ace_step.lyrics.normalization import SIGNS

pytest.importorskip("num2words")


@pytest.mark.parametrize(
    ("language", "text", "spoken"),
    [
        ("en", "$5.50 or £1 or 3€", "five dollars, fifty cents or one pound sterling or three euro"),
        ("en", "1,234 & 2nd #1", "one thousand, two hundred and thirty-four and second hash one"),
        ("en", "Mrs. Co. first. disco.", "misess company first. disco."),
        ("de", "1.000 Jahre, 3. Mai", "eintausend jahre, dritte mai"),
        ("fr", "2e fois, 1,5", "deuxième fois, un virgule cinq"),
        ("es", "$1", "un dólar"),
        ("pt", "$21", "vinte e um dólares"),
        ("pl", "£5", "funt pięć"),
        ("ru", "г-жа 2-й", "госпожа второй"),
        ("tr", "ÖÜİ 3.5", "öüi üçüncübeş"),
        ("cs", "14 a 3.", "14 a 3."),
        ("hi", "Abc  14", "abc 14"),
    ],
)
def test_spoken(language: str, text: str, spoken: str) -> None:
    assert clean(text, language) == spoken


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("0", "零"), ("2", "二"), ("10", "十"), ("12", "十二"), ("20", "二十"), ("101", "一百零一"), ("00", "零零"),
        ("110", "一百一十"), ("200", "两百"), ("222", "两百二十二"), ("1010", "一千零一十"), ("007", "零七"),
        ("22222", "两万两千两百二十二"), ("100000", "十万"), ("20000000", "两千万"), ("1000000000", "十亿"),
        ("2000000000000", "两兆"),
        ("0.5", "零点五"), ("10.25", "十点二五"), ("9" * 17, "九" * 17),
    ],
)  # fmt: skip
def test_chinese_quantities(number: str, said: str) -> None:
    assert chinese.quantity(number) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1999年12月31日", "一九九九年十二月三十一日"),
        ("3万2千元", "三万二千元"),
        ("1200块", "一千两百块"),
        ("13912345678", "一三九一二三四五六七八"),
        ("010-12345678", "零一零一二三四五六七八"),
        ("1/2", "二分之一"),
        ("12.5%", "百分之十二点五"),
        ("12345个", "一万两千三百四十五个"),
        ("2049", "二零四九"),
        ("24 k", "二十四 k"),
        ("b2b", "b2b"),
        ("好，「走」！don't", "好,,走,,don,t"),
        ("1:00", "一,零零"),
    ],
)
def test_chinese_numbers_by_what_they_are(text: str, said: str) -> None:
    assert chinese.normalise(text) == said


@pytest.mark.parametrize("language", sorted(SIGNS))
def test_every_sign_has_a_word(language: str) -> None:
    if language == "zh":
        pytest.importorskip("pypinyin")
    if language == "ko":
        pytest.importorskip("hangul_romanize")
    words = clean("a & b @ % # $ £ ° c", language)
    assert not re.search("[&@%#$£°]", words)
    assert "  " not in words


@pytest.mark.parametrize("language", [code for code in SUPPORTED if code != "ja"])
def test_numbers_too_long_to_say_stay_and_take_no_time(language: str) -> None:
    pytest.importorskip("pypinyin")
    before = time.process_time()
    text = clean("7" * 20_000, language)
    assert time.process_time() - before < 3
    assert len(text) >= 20_000

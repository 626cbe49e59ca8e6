from __future__ import annotations

import pytest

from tunesmith.speech.syllables import clauses, has_pinyin, syllables, units, without_tags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", ["hello", "world"]),
        ("Don't stop — it's well-known.", ["dont", "stop", "its", "well", "known"]),
        ("ＡＢＣ１２３", ["abc123"]),
        ("今天，天气很好。", list("今天天气很好")),
        ("我用iPhone打电话", ["我", "用", "iphone", "打", "电", "话"]),
        ("[Laughter] 你好[clears throat]", ["你", "好"]),
        ("Straße ÉCOLE", ["strasse", "école"]),
        ("안녕하세요 여러분", list("안녕하세요여러분")),
        ("Привет, мир", ["привет", "мир"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("... !?", []),
        ("", []),
    ],
)
def test_what_an_error_rate_counts(text, expected):
    assert units(text) == expected


def test_numerals_stand_as_written():
    assert units("3 cats") != units("three cats")
    assert units("２０２６年") == ["2026", "年"]


@pytest.mark.parametrize(
    ("text", "count"),
    [("cat", 1), ("water", 2), ("slowly", 2), ("packed", 1), ("wanted", 2), ("table", 2), ("the house", 2),
     ("今天天气很好", 6), ("guo4guo4guo1儿", 4), ("我有2个", 5), ("[Sigh] no", 1), ("", 0), ("?!", 0)],
)  # fmt: skip
def test_syllables(text, count):
    assert syllables(text) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("The rain came down hard, and nobody was outside.", 2),
        ("Yes, I know that very well.", 1),
        ("今天天气很好，我们去公园散步吧。", 2),
        ("One two three four", 1),
        ("No.", 1),
        ("", 0),
    ],
)
def test_clauses_long_enough_to_be_set_apart(text, count):
    assert clauses(text) == count


def test_pinyin_is_told_from_words_with_digits():
    assert has_pinyin("我去guo4了")
    assert not has_pinyin("terminal b2 and mp3")
    assert not has_pinyin("我用iPhone")


def test_tags_are_no_words():
    assert without_tags("a [Surprise-oh] b").split() == ["a", "b"]
    assert "[1]" in without_tags("see [1]")

from __future__ import annotations

import math

import pytest

from tunesmith.speech.error_rate import compare, error_rate, name_of


@pytest.mark.parametrize(
    ("text", "heard", "errors", "length"),
    [
        ("the cat sat on the mat", "The cat sat on the mat.", 0, 6),
        ("the cat sat on the mat", "the cat sit on mat", 2, 6),
        ("the cat", "the big black cat", 2, 2),
        ("a b c d", "", 4, 4),
        ("今天天气很好。", "今天天汽很好", 1, 6),
        ("今天天气很好", "今天 天气，好", 1, 6),
        ("我用iPhone打电话", "我用iphone 打电话", 0, 6),
        ("hello", "good morning to you all", 5, 1),
    ],
)
def test_against_hand_counts(text, heard, errors, length):
    found = error_rate(text, heard)
    assert (found.errors, found.length) == (errors, length)
    assert found.rate == pytest.approx(errors / length)


def test_nothing_can_be_told_without_words_or_of_pinyin():
    assert math.isnan(error_rate("", "anything").rate)
    assert math.isnan(error_rate("[Laughter]", "ha ha").rate)
    assert math.isnan(error_rate("guo4guo4儿", "过过儿").rate)


@pytest.mark.parametrize(
    ("wanted", "got", "gap"),
    [
        ("abcdefgh", "abgh", 4),
        ("abcdefgh", "abcdefgh", 0),
        ("abcdefgh", "axcyefgh", 0),
        ("abcdefgh", "", 8),
        ("abcdefgh", "efgh", 4),
        ("abcdefgh", "abcd", 4),
        ("abcdefgh", "bdfh", 1),
    ],
)
def test_the_longest_run_left_out(wanted, got, gap):
    assert compare(wanted, got)[1] == gap


def test_names():
    assert name_of(["hello there", "fine"]) == "WER"
    assert name_of(["你好"]) == "CER"
    assert name_of(["你好", "hello"]) == "CER/WER"

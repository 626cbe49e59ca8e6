from __future__ import annotations

import math

import pytest

from tunesmith.report import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (10**400, "–"),
        ("12", "–"),
        (True, "–"),
        (0, "0"),
        (3, "3"),
        (3.0, "3"),
        (3.14159, "3.14"),
        (12.34, "12.3"),
        (-0.5, "−0.500"),
        (0.0001, "1e−4"),
        (0.00125, "0.00125"),
        (0.002, "0.002"),
        (3.25e-5, "3.25e−5"),
        (1234567, "1\u2009234\u2009567"),
        (137.6, "138"),
    ],
)
def test_number(value, text):
    assert numbers.number(value) == text


def test_losses_line_up_and_changes_have_signs():
    assert numbers.loss(3.1) == "3.100"
    assert numbers.loss(None) == "–"
    assert numbers.change(4.0, 3.0) == "−25.0 %"
    assert numbers.change(4.0, 5) == "+25.0 %"
    assert numbers.change(0, 5) == "–"
    assert numbers.change(math.nan, 5) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (5, "5 s"), (59.4, "59 s"), (305, "5 min 05 s"), (7384, "2 h 03 min"), (None, "–"), (-1, "–")],
)
def test_duration(seconds, text):
    assert str(numbers.duration(seconds)) == text


def test_plain_reads_any_json():
    assert numbers.plain({"a": [1, 2.5], "b": None, "c": True}) == "a 1, 2.50, b –, c yes"

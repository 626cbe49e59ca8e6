from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from tunesmith.evaluation.paired import Interval, fewest_pairs, interval


def test_how_many_pairs_an_interval_needs():
    assert fewest_pairs(0.05) == 6
    assert fewest_pairs(0.02) == 7
    assert math.isnan(interval(range(6)).low)
    assert interval(range(7)).low == 0.0


def test_no_pair_and_values_that_were_not_measured():
    assert interval([]).n == 0
    assert interval([math.nan, 1.0, 2.0]).n == 2
    assert interval([1.0, 2.0, 6.0]).estimate == 2.75  # the median of 1, 1.5, 2, 3.5, 4 and 6


@pytest.mark.parametrize("n", [7, 9, 12])
def test_it_is_the_signed_rank_test_turned_round(n):
    """The interval leaves 0 out exactly where Wilcoxon's test rejects it."""
    rng = np.random.default_rng(n)
    both = set()
    for _ in range(150):
        differences = rng.standard_normal(n) + rng.uniform(-1.5, 1.5)
        found = interval(differences, 0.02)
        outside = found.low > 0 or found.high < 0
        assert outside == (wilcoxon(differences).pvalue <= 0.02)
        both.add(outside)
    assert both == {True, False}


def test_it_misses_as_often_as_it_says_for_every_sign_pattern():
    """All 2^8 sign patterns of eight fixed sizes are equally likely when there is no difference."""
    sizes = np.arange(1, 9) + 0.1 * np.arange(8)
    found = [interval(sizes * signs, 0.02) for signs in itertools.product((-1, 1), repeat=8)]
    missed = np.mean([one.low > 0 or one.high < 0 for one in found])
    assert 0.01 < missed <= 0.02


@pytest.mark.parametrize(
    ("low", "high", "estimate", "judged"),
    [
        (0.01, 0.3, 0.2, "worse"),
        (-0.3, -0.01, -0.2, "better"),
        (-0.05, 0.04, 0.0, "unchanged"),
        (0.01, 0.05, 0.03, "unchanged"),
        (0.01, 0.3, 0.05, "unknown"),
        (-0.2, 0.3, 0.2, "unknown"),
        (math.nan, math.nan, 0.5, "unknown"),
    ],
)
def test_judgements(low, high, estimate, judged):
    assert Interval(estimate, low, high, 8).judgement(0.1) == judged

"""Shares, tests and intervals: against published values, and against what clustered votes are worth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from tests.evaluation.listening.votes import ballot
from tunesmith.evaluation.listening.power import MOST_VOTES, fewest_prompts, more_votes, votes_needed
from tunesmith.evaluation.listening.preference import effective_votes, holm, sign_test, tally, wilson


@pytest.mark.parametrize(
    ("wins", "votes", "low", "high"),
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(wins: int, votes: int, low: float, high: float) -> None:
    assert wilson(wins, votes) == pytest.approx((low, high), abs=1e-4)


def test_nothing_is_known_without_votes() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert sign_test(np.zeros(5, np.int64)) == 1.0
    assert sign_test(np.array([], np.int64)) == 1.0


def test_with_one_vote_for_each_prompt_it_is_the_ordinary_sign_test() -> None:
    differences = np.array([1] * 14 + [-1] * 6 + [0] * 5)
    assert sign_test(differences) == pytest.approx(binomtest(14, 20).pvalue)


def test_votes_of_many_people_on_few_prompts_are_not_many_votes() -> None:
    """Ten people who agree on four prompts are no forty votes: with any four prompts p stays above 0.1."""
    assert sign_test(np.full(4, 10)) == pytest.approx(2 / 2**4)
    assert sign_test(np.full(6, 10)) == pytest.approx(2 / 2**6)
    assert effective_votes(np.full(4, 10), np.zeros(4, np.int64)) == 4


def test_votes_that_scatter_by_chance_are_worth_about_their_number() -> None:
    rng = np.random.default_rng(0)
    wins = rng.binomial(5, 0.6, 60)
    assert 200 < effective_votes(wins, 5 - wins) <= 300
    torn = np.array([5, 0] * 30)  # each prompt decides by itself
    assert effective_votes(torn, 5 - torn) == pytest.approx(60, rel=0.1)
    assert effective_votes(np.array([1, 0, 1]), np.array([0, 1, 0])) == 3


def test_the_random_test_of_many_prompts_is_that_of_the_exact_one() -> None:
    few = np.array([2, 1, -1, 3, 2, -2, 1, 1, 2, -1, 1, 2, 1, 1])
    assert sign_test(np.append(few, [2, -1])) == pytest.approx(sign_test(few), abs=0.02)


def test_holm_holds_the_whole_family_to_one_level() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_repeats_do_not_count_twice() -> None:
    from dataclasses import replace

    first = ballot(0, 1)
    again = replace(first, trial=9, repeats=0, outcome=-1)
    counted = tally([first, again, ballot(1, 0)])
    assert (counted.wins.tolist(), counted.losses.tolist(), counted.ties.tolist()) == ([1, 0], [0, 0], [0, 1])


@pytest.mark.parametrize(("rate", "votes"), [(0.6, 199), (0.65, 90), (0.7, 49), (0.75, 30), (0.8, 20), (0.9, 12)])
def test_how_many_votes_find_a_preference(rate: float, votes: int) -> None:
    """Each is the first number at which a binomial test with 80 % power finds the rate."""
    assert votes_needed(rate) == votes == votes_needed(1 - rate)


def test_more_votes_are_asked_for_where_they_would_tell() -> None:
    near = tally([ballot(n, 1 if n % 3 else -1) for n in range(12)])
    again = more_votes(near)
    assert again is not None
    assert 30 < again < MOST_VOTES
    tied = tally([ballot(n, 1 if n % 3 else -1) for n in range(12)] + [ballot(n, 0) for n in range(12, 24)])
    assert (more_votes(tied) or 0) > 1.5 * again, "votes without a preference tell nothing"
    assert more_votes(tally([ballot(n, 1 if n % 2 else -1) for n in range(40)])) is None, "a half is a half"


@pytest.mark.parametrize(("pairs", "fewest"), [(1, 6), (3, 7), (6, 8), (10, 9)])
def test_under_so_many_prompts_nothing_can_be_told(pairs: int, fewest: int) -> None:
    p = [sign_test(np.ones(count, np.int64)) for count in (fewest - 1, fewest)]
    assert holm([p[0]] * pairs)[0] > 0.05 >= holm([p[1]] * pairs)[0]
    assert fewest_prompts(pairs) == fewest

"""Strengths of several systems: those that made the votes come back, and what beats everything stays finite."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from tests.evaluation.listening.votes import ballot
from tunesmith.evaluation.listening.ballots import Ballot
from tunesmith.evaluation.listening.bradley_terry import ELO, strengths

TRUE = {"one": 0.9, "base": 0.0, "two": -0.9}


def cast(prompts: int, seed: int = 0, ties: float = 0.5) -> list[Ballot]:
    rng = np.random.default_rng(seed)
    made = []
    for prompt in range(prompts):
        for pair in combinations(TRUE, 2):
            ahead = TRUE[pair[0]] - TRUE[pair[1]]
            odds = np.array([math.exp(ahead), ties * math.exp(ahead / 2), 1.0])
            made.append(ballot(prompt, int(rng.choice((1, 0, -1), p=odds / odds.sum())), pair=pair))
    return made


def test_the_strengths_that_made_the_votes_are_found() -> None:
    found = {one.system: one for one in strengths(cast(800), list(TRUE))}
    assert list(found) == ["one", "base", "two"], "the strongest first"
    for name, true in TRUE.items():
        assert found[name].strength == pytest.approx(ELO * true, abs=25)
        assert found[name].low < found[name].strength < found[name].high
    assert sum(one.strength for one in found.values()) == pytest.approx(0, abs=1e-6)


def test_two_systems_give_the_log_odds() -> None:
    votes = [ballot(n, 1 if n % 4 else -1) for n in range(400)]
    found = {one.system: one.strength for one in strengths(votes, ["adapter", "base"])}
    assert found["adapter"] - found["base"] == pytest.approx(ELO * math.log(3), rel=0.01)


def test_a_system_that_always_wins_stays_finite() -> None:
    votes = [ballot(n, 1, pair=pair) for n in range(6) for pair in combinations(TRUE, 2)]
    found = strengths(votes, list(TRUE))
    assert [one.system for one in found] == ["one", "base", "two"]
    assert all(math.isfinite(value) for one in found for value in (one.low, one.strength, one.high))


def test_the_interval_counts_prompts_and_not_votes() -> None:
    """The same votes from four people who always agree make it no narrower."""
    once = cast(20)
    from dataclasses import replace

    often = [replace(one, listener=str(person)) for one in once for person in range(4)]
    width = {one.system: one.high - one.low for one in strengths(once, list(TRUE))}
    for one in strengths(often, list(TRUE)):
        assert one.high - one.low == pytest.approx(width[one.system], rel=0.1)


def test_one_prompt_tells_nothing() -> None:
    assert strengths(cast(1), list(TRUE)) == ()

"""Which pairs are heard in which order: balanced, shuffled, some again, and all of it decided by the seed."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from tunesmith.report.listening.choose import default_prompts
from tunesmith.report.listening.trials import plan_trials


@pytest.mark.parametrize("systems", [["adapter", "base"], ["one", "two", "base"], ["a", "b", "c", "d"]])
@pytest.mark.parametrize("prompts", [1, 2, 5, 6, 12])
def test_every_pair_is_heard_and_the_sides_are_balanced(systems: list[str], prompts: int) -> None:
    for seed in range(5):
        trials = plan_trials(systems, prompts, seed)
        once = [trial for trial in trials if trial.repeats is None]
        heard = Counter((trial.prompt, frozenset((trial.a, trial.b))) for trial in once)
        assert heard == Counter((p, frozenset(pair)) for p in range(prompts) for pair in combinations(systems, 2))
        for pair in combinations(systems, 2):
            lead = sum((trial.a, trial.b) == pair for trial in once) - sum((trial.b, trial.a) == pair for trial in once)
            assert abs(lead) <= 1
        sides = Counter(trial.a for trial in once)
        sides.subtract(trial.b for trial in once)
        assert max(map(abs, sides.values())) <= 2


def test_the_seed_decides_sides_and_order() -> None:
    assert plan_trials(["a", "b"], 12, 3) == plan_trials(["a", "b"], 12, 3)
    assert len({tuple(plan_trials(["a", "b"], 12, seed)) for seed in range(20)}) == 20
    orders = {tuple(trial.prompt for trial in plan_trials(["a", "b"], 12, seed)) for seed in range(20)}
    assert len(orders) == 20, "the order is shuffled too"


@pytest.mark.parametrize(("prompts", "repeats"), [(1, 0), (2, 0), (3, 1), (12, 1), (20, 2), (40, 4)])
def test_a_tenth_comes_again_with_the_sides_swapped_and_later(prompts: int, repeats: int) -> None:
    for seed in range(10):
        trials = plan_trials(["a", "b"], prompts, seed)
        again = [(place, trial) for place, trial in enumerate(trials) if trial.repeats is not None]
        assert len(again) == repeats
        for place, trial in again:
            before = trials[trial.repeats or 0]
            assert (trial.prompt, trial.a, trial.b) == (before.prompt, before.b, before.a)
            assert place - (trial.repeats or 0) >= max(prompts // 3, 2), "not while it is still in the ear"


def test_pairs_that_are_not_to_be_heard_are_not() -> None:
    trials = plan_trials(["a", "b", "c"], 4, 0, frozenset({(1, "a", "b"), (2, "a", "c")}))
    heard = {(trial.prompt, frozenset((trial.a, trial.b))) for trial in trials}
    assert len(heard) == 10
    assert (1, frozenset("ab")) not in heard
    assert plan_trials(["a", "b"], 1, 0, frozenset({(0, "a", "b")})) == []


def test_more_systems_mean_fewer_prompts() -> None:
    assert [default_prompts(n) for n in (2, 3, 4, 5, 20)] == [40, 13, 6, 4, 2]

"""Which pairs are heard in which order: sides balanced, order shuffled, some pairs again with the sides swapped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

REPEATS = 0.1
"""Share of the pairs that are heard twice, so that a listener's agreement with themselves is known."""
_FEWEST_FOR_REPEATS = 3


class Trial(NamedTuple):
    """One pair: number of its prompt, the systems on both sides, and the trial that it repeats."""

    prompt: int
    a: str
    b: str
    repeats: int | None = None


def plan_trials(
    systems: Sequence[str], prompts: int, seed: int, without: frozenset[tuple[int, str, str]] = frozenset()
) -> list[Trial]:
    """Every pair of systems on every prompt.

    Args:
        systems: Their names.
        prompts: How many there are.
        seed: Decides sides, order and repeats.
        without: Pairs that are not heard: prompt, and two systems in the order of ``systems``.

    Returns:
        The trials in the order they are heard. Each system stands on side A as often as on side B, but for one where
        the number is odd. Repeats are of trials of the first third, and lie in the last one.
    """
    rng = np.random.default_rng(seed)
    trials = _balanced(systems, prompts, rng, without)
    order = [trials[index] for index in rng.permutation(len(trials))]
    if len(order) < _FEWEST_FOR_REPEATS:
        return order
    third = len(order) // 3
    count = min(max(round(REPEATS * len(order)), 1), third)
    again = {int(index) for index in rng.choice(third, count, replace=False)}
    slots = Counter(int(slot) for slot in rng.integers(len(order) - third + 1, len(order) + 1, count))
    waiting = sorted(again)
    made: list[Trial] = []
    for place in range(len(order) + 1):
        for _ in range(slots[place]):
            index = waiting.pop(0)
            made.append(Trial(order[index].prompt, order[index].b, order[index].a, index))
        if place < len(order):
            made.append(order[place])
    return made


def _balanced(
    systems: Sequence[str], prompts: int, rng: np.random.Generator, without: frozenset[tuple[int, str, str]]
) -> list[Trial]:
    surplus: Counter[str] = Counter()
    trials = []
    for first, second in combinations(systems, 2):
        heard = [prompt for prompt in range(prompts) if (prompt, first, second) not in without]
        swapped = [bool(place % 2) for place in range(len(heard))]
        if len(heard) % 2:
            lead = surplus[first] - surplus[second]
            swapped[-1] = lead > 0 or (lead == 0 and bool(rng.integers(2)))
        rng.shuffle(swapped)
        for prompt, swap in zip(heard, swapped, strict=True):
            a, b = (second, first) if swap else (first, second)
            surplus[a] += 1
            surplus[b] -= 1
            trials.append(Trial(prompt, a, b))
    return trials

"""Do people agree with themselves when a pair comes again, and with each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations

from tunesmith.evaluation.listening.ballots import Ballot
from tunesmith.records.listening_result import AgreementBetweenPeople


def with_oneself(ballots: Sequence[Ballot]) -> tuple[int, int]:
    """Of one person's votes: pairs heard again with the sides swapped, and how often the answer was the same."""
    by_trial = {ballot.trial: ballot.outcome for ballot in ballots}
    again = [(by_trial[b.repeats], b.outcome) for b in ballots if b.repeats is not None and b.repeats in by_trial]
    return len(again), sum(before == after for before, after in again)


def between_people(ballots: Sequence[Ballot]) -> AgreementBetweenPeople | None:
    """Whether people chose alike where they heard the same two clips; ``None`` where no two did.

    Source: Krippendorff (2011), "Computing Krippendorff's alpha-reliability"; interval data of -1, 0, 1.
    """
    heard: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for ballot in ballots:
        if ballot.repeats is None:
            heard[ballot.prompt, ballot.first, ballot.second].append(ballot.outcome)
    units = [outcomes for outcomes in heard.values() if len(outcomes) > 1]
    pairs = [pair for outcomes in units for pair in combinations(outcomes, 2)]
    if not pairs:
        return None
    every = [outcome for outcomes in units for outcome in outcomes]
    observed = sum(2 * _apart(outcomes) / (len(outcomes) - 1) for outcomes in units) / len(every)
    expected = 2 * _apart(every) / (len(every) * (len(every) - 1))
    alpha = 1 - observed / expected if expected else None
    return AgreementBetweenPeople(compared=len(pairs), alike=sum(a == b for a, b in pairs), alpha=alpha)


def _apart(outcomes: Sequence[int]) -> int:
    """Sum of squared differences over pairs."""
    return sum((a - b) ** 2 for a, b in combinations(outcomes, 2))

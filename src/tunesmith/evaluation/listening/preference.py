"""Is one system preferred to another: a share with its interval, and a test that counts prompts, not votes.

Votes of several people on the same prompt go together, since one prompt may suit one system. What they are worth is
estimated from how they scatter between prompts, and the interval is that of as many independent votes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.evaluation.listening.ballots import Ballot

LEVEL = 0.95
_EXACT_PROMPTS = 14
_DRAWS = 20_000


@dataclass(frozen=True)
class Tally:
    """Votes on one pair of systems, by prompt.

    Attributes:
        wins: Votes for the first system, of each prompt (K,).
        losses: Votes for the second (K,).
        ties: Votes for neither (K,).
        clear_wins: Clear ones for the first, altogether.
        clear_losses: Clear ones for the second.
        people: Of each person whether they chose the first more often (1), the second (-1) or both alike (0).
    """

    wins: NDArray[np.int64]
    losses: NDArray[np.int64]
    ties: NDArray[np.int64]
    clear_wins: int
    clear_losses: int
    people: tuple[int, ...]

    @property
    def decided(self) -> int:
        """Votes with a preference."""
        return int(self.wins.sum() + self.losses.sum())


def tally(ballots: Sequence[Ballot]) -> Tally:
    """Count votes on one pair of systems; those on repeated pairs measure the listener and are left out."""
    counted = [ballot for ballot in ballots if ballot.repeats is None]
    prompts = sorted({ballot.prompt for ballot in counted})
    outcomes = {1: np.zeros(len(prompts), np.int64), -1: np.zeros(len(prompts), np.int64)}
    outcomes[0] = np.zeros(len(prompts), np.int64)
    for ballot in counted:
        outcomes[ballot.outcome][prompts.index(ballot.prompt)] += 1
    clear = [ballot.outcome for ballot in counted if ballot.clearly]
    leads: Counter[str] = Counter()
    for ballot in counted:
        leads[ballot.listener] += ballot.outcome
    people = tuple((lead > 0) - (lead < 0) for lead in leads.values())
    return Tally(outcomes[1], outcomes[-1], outcomes[0], clear.count(1), clear.count(-1), people)


def wilson(wins: float, votes: float, level: float = LEVEL) -> tuple[float, float]:
    """Interval of a share of votes; (0, 1) without any.

    Source: Wilson (1927), "Probable inference, the law of succession, and statistical inference".
    """
    from scipy.stats import norm

    if votes <= 0:
        return 0.0, 1.0
    z = float(norm.isf((1 - level) / 2))
    share, shrink = wins / votes, 1 + z * z / votes
    centre = share + z * z / (2 * votes)
    half = z * math.sqrt(share * (1 - share) / votes + z * z / (4 * votes * votes))
    return max((centre - half) / shrink, 0.0), min((centre + half) / shrink, 1.0)


def effective_votes(wins: NDArray[np.int64], losses: NDArray[np.int64], level: float = LEVEL) -> float:
    """How many independent votes these are worth.

    Args:
        wins: Of each prompt (K,).
        losses: Of each prompt (K,).
        level: Of the interval they are for.

    Returns:
        The number of votes where each prompt has one; else the number divided by the design effect, corrected for few
        prompts. Where all votes are for the same system nothing can be estimated, and each prompt counts once.

    Source: Korn and Graubard (1998), "Confidence intervals for proportions with small expected number of positive
    counts estimated from survey data".
    """
    from scipy.stats import norm, t

    sizes = (wins + losses).astype(float)
    won, sizes = wins[sizes > 0].astype(float), sizes[sizes > 0]
    votes, prompts = float(sizes.sum()), len(sizes)
    if prompts == 0 or sizes.max() == 1:
        return votes
    share = won.sum() / votes
    if prompts == 1 or share in (0.0, 1.0):
        return float(prompts)
    variance = prompts / (prompts - 1) * float(((won - share * sizes) ** 2).sum()) / votes**2
    design = max(variance / (share * (1 - share) / votes), 1.0)
    tail = (1 - level) / 2
    few = float(norm.isf(tail)) / float(t.isf(tail, prompts - 1))
    return float(max(votes / design * few**2, 1.0))


def sign_test(differences: NDArray[np.int64]) -> float:
    """Two-sided p that neither system is preferred: the sums of each prompt with their signs turned at random.

    Args:
        differences: Wins minus losses of each prompt (K,).

    Returns:
        p; with one vote for each prompt that of the ordinary sign test. 1 where nothing differs.

    Source: Fisher (1935), "The design of experiments", section 21.
    """
    from scipy.stats import binomtest

    sums = differences[differences != 0]
    if not len(sums):
        return 1.0
    if np.abs(sums).max() == 1:
        return float(binomtest(int((sums > 0).sum()), len(sums)).pvalue)
    if len(sums) <= _EXACT_PROMPTS:
        signs = 1 - 2 * ((np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums))) & 1)
        return float((np.abs(signs @ sums) >= abs(sums.sum())).mean())
    signs = np.random.default_rng(0).choice((-1, 1), (_DRAWS, len(sums)))
    return float((1 + (np.abs(signs @ sums) >= abs(sums.sum())).sum()) / (1 + _DRAWS))


def holm(values: Sequence[float]) -> list[float]:
    """The p values of a family of tests, such that all are held against one level.

    Source: Holm (1979), "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(values)
    adjusted = np.empty(len(values))
    worst = 0.0
    for place, index in enumerate(order):
        worst = max(worst, min((len(values) - place) * values[index], 1.0))
        adjusted[index] = worst
    return [float(value) for value in adjusted]

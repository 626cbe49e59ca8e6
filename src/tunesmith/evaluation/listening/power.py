"""How many more votes would tell whether one system is preferred."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from tunesmith.evaluation.listening.preference import Tally, effective_votes

POWER, ALPHA = 0.8, 0.05
MOST_VOTES = 400
"""Where more would be needed, one system is preferred in under 57 of 100 votes: hardly worth the question."""


def fewest_prompts(pairs: int = 1) -> int:
    """Prompts below which votes that all say the same tell nothing: the sign test's p is 2 / 2**prompts then.

    Args:
        pairs: Pairs of systems, which share one level (Holm); the first one to be told needs the most.
    """
    return math.ceil(math.log2(2 * pairs / ALPHA))


@cache
def votes_needed(rate: float, power: float = POWER, alpha: float = ALPHA) -> int | None:
    """Independent votes by which a two-sided sign test finds a preference with the given power.

    Args:
        rate: Share of votes for the preferred system, in truth.
        power: How probably it is found.
        alpha: Level of the test.

    Returns:
        The number of votes with a preference; ``None`` for more than :data:`MOST_VOTES`.
    """
    from scipy.stats import binom

    rate = max(rate, 1 - rate)
    for votes in range(1, MOST_VOTES + 1):
        counts = np.arange(votes // 2, votes + 1)
        least = counts[2 * binom.sf(counts - 1, votes, 0.5) <= alpha]
        if len(least) and binom.sf(least[0] - 1, votes, rate) >= power:
            return votes
    return None


def more_votes(votes: Tally, pairs: int = 1) -> int | None:
    """How many more votes would probably tell, if the preference is as large as it seems.

    The rate is drawn towards one half as far as two votes for each side draw it, since that of few votes is too large
    more often than not. Votes without a preference, and those that repeat what the prompt decides, are allowed for.

    Args:
        votes: On one pair.
        pairs: Pairs of systems, which share one level.
    """
    decided, tied = votes.decided, int(votes.ties.sum())
    rate = round((int(votes.wins.sum()) + 2) / (decided + 4), 2)
    needed = votes_needed(rate, alpha=ALPHA / pairs)
    if needed is None:
        return None
    worth = effective_votes(votes.wins, votes.losses) / decided if decided else 1.0
    used = (decided + 1) / (decided + tied + 1)
    return max(math.ceil((needed / worth - decided) / used), 1)

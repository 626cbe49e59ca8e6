"""How strong each of several systems is, from votes on pairs of them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunesmith.evaluation.listening.ballots import Ballot
from tunesmith.evaluation.listening.preference import LEVEL
from tunesmith.records.listening_result import SystemStrength

ELO = 400 / math.log(10)
"""Points of the Elo scale for a factor of e."""
_PULL = 0.02
_STEPS = 60
_DRAWS = 400
Array = NDArray[np.float64]


def strengths(ballots: Sequence[Ballot], systems: Sequence[str], seed: int = 0) -> tuple[SystemStrength, ...]:
    """Strengths with their intervals, the strongest first.

    Args:
        ballots: Votes; those on repeated pairs are left out.
        systems: Names, in the order of the ballots' ``first`` and ``second``.
        seed: Of the bootstrap.

    Returns:
        A strength for every system; the interval (95 %) is from a bootstrap over prompts, since votes on one prompt
        go together, with Student's t for as many prompts. Empty without votes on at least two prompts.

    Source: Davidson (1970), "On extending the Bradley-Terry model to accommodate ties in paired comparison
    experiments".
    """
    from scipy.stats import t

    counted = [ballot for ballot in ballots if ballot.repeats is None]
    prompts = sorted({ballot.prompt for ballot in counted})
    if len(prompts) < 2:
        return ()
    pairs = sorted({(systems.index(ballot.first), systems.index(ballot.second)) for ballot in counted})
    counts = np.zeros((len(prompts), len(pairs), 3))
    for ballot in counted:
        pair = pairs.index((systems.index(ballot.first), systems.index(ballot.second)))
        counts[prompts.index(ballot.prompt), pair, 1 - ballot.outcome] += 1
    features = _features(pairs, len(systems))
    found = fit(counts.sum(axis=0)[None], features)[0, :-1]
    drawn = np.random.default_rng(seed).multinomial(len(prompts), np.full(len(prompts), 1 / len(prompts)), _DRAWS)
    spread = fit(np.einsum("bk,kpo->bpo", drawn.astype(float), counts), features)[:, :-1].std(axis=0)
    few = math.sqrt(len(prompts) / (len(prompts) - 1))
    half = float(t.isf((1 - LEVEL) / 2, len(prompts) - 1)) * few * spread
    made = [
        SystemStrength(system=name, strength=ELO * at, low=ELO * (at - by), high=ELO * (at + by))
        for name, at, by in zip(systems, found, half, strict=True)
    ]
    return tuple(sorted(made, key=lambda one: -one.strength))


def _features(pairs: Sequence[tuple[int, int]], systems: int) -> Array:
    """What each outcome (win, tie, loss) of each pair adds to the log-odds: (P, 3, S + 1), the last one for ties."""
    made = np.zeros((len(pairs), 3, systems + 1))
    for place, (first, second) in enumerate(pairs):
        made[place, 0, first] = made[place, 2, second] = made[place, 1, systems] = 1.0
        made[place, 1, first] = made[place, 1, second] = 0.5
    return made


def fit(counts: Array, features: Array) -> Array:
    """Maximum likelihood by Newton's method, for several sets of votes at once.

    Args:
        counts: Votes (B, P, 3).
        features: (P, 3, F).

    Returns:
        (B, F). The strengths have a mean of 0. A weak pull towards 0 keeps them finite where one system won always.
    """
    size = features.shape[2]
    at = np.zeros((len(counts), size))
    for _ in range(_STEPS):
        odds = np.einsum("pof,bf->bpo", features, at)
        share = np.exp(odds - odds.max(axis=2, keepdims=True))
        share /= share.sum(axis=2, keepdims=True)
        total = counts.sum(axis=2)
        expected = np.einsum("bpo,pof->bpf", share, features)
        slope = np.einsum("bpo,pof->bf", counts, features) - np.einsum("bp,bpf->bf", total, expected) - _PULL * at
        square = np.einsum("bp,bpo,pof,pog->bfg", total, share, features, features)
        bend = square - np.einsum("bp,bpf,bpg->bfg", total, expected, expected) + _PULL * np.eye(size)
        step = np.clip(np.linalg.solve(bend, slope[:, :, None])[:, :, 0], -2.0, 2.0)
        at = at + step
        if np.abs(step).max() < 1e-8:
            break
    at[:, :-1] -= at[:, :-1].mean(axis=1, keepdims=True)
    return at

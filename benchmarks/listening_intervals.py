"""Do the intervals of a listening test hold, and does it find what is there? Simulated votes, thousands of tests.

Every prompt may suit one system by itself (a normal effect on the log-odds, ``--prompt-effect``), and every person has
a taste (``--person-effect``), so that votes on a prompt go together as those of real people do. What is to be covered
is the share of votes over all prompts and people.

    python benchmarks/listening_intervals.py
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from tunesmith.evaluation.listening.ballots import Ballot
from tunesmith.evaluation.listening.bradley_terry import ELO, strengths
from tunesmith.evaluation.listening.power import votes_needed
from tunesmith.evaluation.listening.preference import effective_votes, sign_test, tally, wilson

TIES = 0.4
"""What a tie adds to the odds, beside the root of the two systems' odds."""
TRUE = {"base": 0.0, "adapter": 0.8, "other": -1.0}


def vote(rng: np.random.Generator, advantage: float) -> int:
    """An outcome of Davidson's model: 1, 0 or -1."""
    odds = np.exp([advantage, np.log(TIES) + advantage / 2, 0.0])
    return int(rng.choice((1, 0, -1), p=odds / odds.sum()))


def cast(
    rng: np.random.Generator, strength: dict[str, float], prompts: int, people: int, args: argparse.Namespace
) -> list[Ballot]:
    """Votes of all people on all pairs."""
    names = list(strength)
    pairs = [(a, b) for place, a in enumerate(names) for b in names[place + 1 :]]
    suits = {(p, pair): rng.normal(0, args.prompt_effect) for p in range(prompts) for pair in pairs}
    taste = {(n, pair): rng.normal(0, args.person_effect) for n in range(people) for pair in pairs}
    made = []
    for prompt in range(prompts):
        for number, (first, second) in enumerate(pairs):
            for person in range(people):
                pair = (first, second)
                advantage = strength[first] - strength[second] + suits[prompt, pair] + taste[person, pair]
                outcome = vote(rng, advantage)
                made.append(Ballot(str(person), prompt, first, second, outcome, False, "", prompt * 10 + number, None))
    return made


def true_rate(advantage: float, args: argparse.Namespace) -> float:
    """Share of votes for the first among those with a preference, over prompts and people."""
    rng = np.random.default_rng(9)
    spread = advantage + rng.normal(0, np.hypot(args.prompt_effect, args.person_effect), 200_000)
    return float((1 / (1 + np.exp(-spread))).mean())


def two_systems(args: argparse.Namespace, advantage: float, prompts: int, people: int) -> str:
    """Coverage of the interval, without and with regard to prompts, and how often a preference is told."""
    rng, rate = np.random.default_rng(args.seed), true_rate(advantage, args)
    plain = ours = told = 0
    for _ in range(args.tests):
        votes = tally(cast(rng, {"adapter": advantage, "base": 0.0}, prompts, people, args))
        won, count = int(votes.wins.sum()), votes.decided
        low, high = wilson(won, count)
        plain += low <= rate <= high
        worth = effective_votes(votes.wins, votes.losses)
        low, high = wilson(won / max(count, 1) * worth, worth)
        ours += low <= rate <= high
        told += sign_test(votes.wins - votes.losses) <= 0.05 and (low > 0.5 or high < 0.5)
    shares = "".join(f"{count / args.tests:12.3f}" for count in (plain, ours, told))
    return f"{rate:6.2f} {prompts:8} {people:7} {shares}"


def several_systems(args: argparse.Namespace, prompts: int, people: int, tests: int) -> str:
    """Coverage of the strengths of three systems, without person and prompt effects, whose truth is known then."""
    rng = np.random.default_rng(args.seed)
    plain = argparse.Namespace(prompt_effect=0.0, person_effect=0.0)
    mean = sum(TRUE.values()) / len(TRUE)
    hits = dict.fromkeys(TRUE, 0)
    for number in range(tests):
        for one in strengths(cast(rng, TRUE, prompts, people, plain), list(TRUE), seed=number):
            hits[one.system] += one.low <= ELO * (TRUE[one.system] - mean) <= one.high
    return f"{prompts:8} {people:7}   " + "  ".join(f"{name} {hit / tests:.3f}" for name, hit in hits.items())


def main(words: Sequence[str] | None = None) -> None:
    """Print three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tests", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--prompt-effect", type=float, default=0.7)
    parser.add_argument("--person-effect", type=float, default=0.0)
    args = parser.parse_args(words)
    print("two systems: true rate, prompts, people, coverage of Wilson over votes, of ours, a preference is told")
    for advantage in (0.0, 0.8, 1.8):
        for prompts, people in ((6, 1), (12, 1), (30, 1), (6, 5), (12, 5), (30, 5)):
            print(two_systems(args, advantage, prompts, people), flush=True)
    print("three systems: prompts, people, coverage of each strength's interval")
    for prompts, people in ((6, 1), (12, 1), (30, 1), (12, 4)):
        print(several_systems(args, prompts, people, args.tests // 5), flush=True)
    print(
        "votes with a preference for 80 % power:",
        {rate: votes_needed(rate) for rate in (0.6, 0.65, 0.7, 0.75, 0.8, 0.9)},
    )


if __name__ == "__main__":
    main()

"""Votes as they count: which system was preferred to which, by whom, on which prompt."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tunesmith.records.listening_key import ListeningKey
from tunesmith.records.listening_votes import CLEARLY_B, ListeningVotes


@dataclass(frozen=True)
class Ballot:
    """One vote that counts.

    Attributes:
        listener: Who voted.
        prompt: Number of the prompt.
        first: Of the two systems the one that comes first in the key.
        second: The other one.
        outcome: 1 the first is preferred, -1 the second, 0 neither.
        clearly: Whether the preference is a clear one.
        chose: The side that was chosen: ``a``, ``b``, or nothing.
        repeats: Number of the trial that this one repeats.
        trial: Number of the trial.
    """

    listener: str
    prompt: int
    first: str
    second: str
    outcome: int
    clearly: bool
    chose: str
    trial: int
    repeats: int | None


def ballots(key: ListeningKey, people: Iterable[ListeningVotes]) -> list[Ballot]:
    """The votes of several people, with the systems' names from the key."""
    order = {system.name: place for place, system in enumerate(key.systems)}
    found = []
    for person in people:
        for vote in person.votes:
            trial = key.trials[vote.trial]
            a, b = key.clips[trial.a], key.clips[trial.b]
            swapped = order[a.system] > order[b.system]
            for_a = (vote.choice < 0) - (vote.choice > 0)
            found.append(
                Ballot(
                    listener=person.listener,
                    prompt=a.prompt,
                    first=b.system if swapped else a.system,
                    second=a.system if swapped else b.system,
                    outcome=-for_a if swapped else for_a,
                    clearly=abs(vote.choice) == CLEARLY_B,
                    chose={1: "a", -1: "b", 0: ""}[for_a],
                    trial=vote.trial,
                    repeats=trial.repeats,
                )
            )
    return found

"""Keys and votes of listening tests, for the tests."""

from __future__ import annotations

from collections.abc import Sequence

from tunesmith.evaluation.listening.ballots import Ballot
from tunesmith.records.listening_key import (
    ListeningClip,
    ListeningKey,
    ListeningPrompt,
    ListeningSystem,
    ListeningTrial,
)
from tunesmith.records.listening_votes import ListeningVotes, Vote
from tunesmith.texts import msg


def key(prompts: int = 8, repeats: int = 1) -> ListeningKey:
    """A page of base against adapter: the adapter is on side A of every second pair."""
    clips = {}
    for number in range(prompts):
        for system in ("adapter", "base"):
            clips[f"{system[0]}{number}"] = ListeningClip(
                system=system, prompt=number, file=f"{number}.wav", lufs=-20, gain_db=0, seconds=4.0
            )
    pairs = [(f"a{n}", f"b{n}") if n % 2 else (f"b{n}", f"a{n}") for n in range(prompts)]
    trials = [ListeningTrial(a=a, b=b) for a, b in pairs]
    trials += [ListeningTrial(a=pairs[n][1], b=pairs[n][0], repeats=n) for n in range(repeats)]
    return ListeningKey(
        page="page",
        file="listen.html",
        outputs="digest",
        seed=0,
        systems=(
            ListeningSystem(name="adapter", title=msg("the adapter"), run="runs/a", side="adapter"),
            ListeningSystem(name="base", title=msg("the base model"), run="runs/a", side="base"),
        ),
        prompts=tuple(ListeningPrompt(prompt=f"p{n}", seed=n, kind="user", lufs=-20) for n in range(prompts)),
        clips=clips,
        trials=tuple(trials),
    )


def votes(
    of: ListeningKey,
    for_adapter: Sequence[int],
    listener: str = "ann",
    *,
    saved: str = "2026-01-01T10:00:00Z",
    name: str = "",
) -> ListeningVotes:
    """One person's votes on the first pairs of a page; positive numbers are for the adapter."""
    made = []
    for number, choice in enumerate(for_adapter):
        trial = of.trials[number]
        for_a = choice if of.clips[trial.a].system == "adapter" else -choice
        heard = 2000 + number * 10 + len(listener)  # no two people take the same time
        made.append(
            Vote(trial=number, a=trial.a, b=trial.b, choice=-for_a, heard_a_ms=heard, heard_b_ms=2100, took_ms=5000)
        )
    return signed(ListeningVotes(page=of.page, listener=listener, name=name, saved=saved, votes=tuple(made), digest=""))


def signed(unsigned: ListeningVotes) -> ListeningVotes:
    """The same with the digest that the page would give it."""
    return unsigned.model_copy(update={"digest": unsigned.computed_digest()})


def ballot(prompt: int, outcome: int, *, pair: tuple[str, str] = ("adapter", "base"), listener: str = "ann") -> Ballot:
    """A vote as it counts; 1 is for the first of the pair."""
    return Ballot(listener, prompt, *pair, outcome, clearly=False, chose="", trial=prompt, repeats=None)

"""``listening.json``: what the votes of a listening test say, as `tunesmith listen --votes` writes it."""

from __future__ import annotations

from typing import Literal

from tunesmith.records.listening_key import ListeningSystem
from tunesmith.records.record import Number, Part, Record, Said


class PairPreference(Part):
    """How often one system was preferred to another.

    Attributes:
        first: Name of a system.
        second: Name of the other one.
        wins: Votes for the first.
        losses: Votes for the second.
        ties: Votes without a preference.
        clear_wins: Those of ``wins`` that said clearly.
        clear_losses: Those of ``losses`` that said clearly.
        prompts: How many prompts the votes are about.
        people_for_first: People who chose the first more often than the second.
        people_for_second: The other way round.
        rate: Share of ``wins`` among the votes with a preference; ``None`` where there are none.
        low: Lower end of its interval (95 %; Wilson's, for the votes that these are worth).
        high: Upper end of it.
        effective_votes: What the votes with a preference are worth, since votes on one prompt go together.
        p: Sign test over prompts, two-sided.
        p_adjusted: The same for several pairs (Holm).
        verdict: Which one is preferred, or that it cannot be told yet.
        more_votes: How many more votes would probably tell; ``None`` where it is told, or where too many would be
            needed for the difference to matter.
        sentence: All of it in words.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    clear_wins: int
    clear_losses: int
    prompts: int
    people_for_first: int
    people_for_second: int
    rate: Number
    low: float
    high: float
    effective_votes: float
    p: float
    p_adjusted: float
    verdict: Literal["first", "second", "open"]
    more_votes: int | None
    sentence: Said


class SystemStrength(Part):
    """Strength of a system by the model of Bradley and Terry, in points of the Elo scale around a mean of 0."""

    system: str
    strength: float
    low: float
    high: float


class ListenerSummary(Part):
    """One person's votes.

    Attributes:
        listener: The id that the page drew.
        name: What the person is called; empty where they did not say.
        file: The file that the votes come from.
        votes: How many count.
        repeats: Pairs that were heard again with the sides swapped.
        alike: Of those, how often the person said the same.
        chose_a: Votes for the left side, whichever system it was.
        chose_b: Votes for the right side.
    """

    listener: str
    name: str
    file: str
    votes: int
    repeats: int
    alike: int
    chose_a: int
    chose_b: int


class AgreementBetweenPeople(Part):
    """Whether people who heard the same pair chose alike.

    Attributes:
        compared: Pairs of votes by two people on the same two clips.
        alike: Of those, how many said the same.
        alpha: Krippendorff's alpha (interval); ``None`` where nobody said anything else than the others.
    """

    compared: int
    alike: int
    alpha: Number


class ListeningResult(Record):
    """Everything that the votes say.

    Attributes:
        page: Id of the page they were given on.
        outputs: Digest of the evaluation that was heard, as the key has it.
        systems: Those that were compared.
        listeners: The people.
        pairs: Every pair of systems.
        strengths: Of three systems or more, the strongest first.
        between_people: Of two people or more.
        left_out: What does not count, and why.
        notes: What a reader should know of the votes.
        advice: What to do next.
    """

    page: str
    outputs: str
    systems: tuple[ListeningSystem, ...]
    listeners: tuple[ListenerSummary, ...]
    pairs: tuple[PairPreference, ...]
    strengths: tuple[SystemStrength, ...]
    between_people: AgreementBetweenPeople | None
    left_out: tuple[Said, ...]
    notes: tuple[Said, ...]
    advice: Said

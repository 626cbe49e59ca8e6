"""``previews/rounds.json``: which rounds of previews were made and which were left out, and what they took."""

from __future__ import annotations

from tunesmith.records.record import Part, Record


class PreviewRound(Part):
    """One update at which previews were due.

    Attributes:
        update: The update.
        made: Whether they were made; else they would have taken more than their share of the time.
        prompts: How many prompts of the round.
        seconds: What all previews have taken so far.
        trained: Seconds of training so far, previews not counted.
    """

    update: int
    made: bool
    prompts: int
    seconds: float
    trained: float


class PreviewRounds(Record):
    """The rounds of a run, in order.

    Attributes:
        every: Updates between rounds, as it was asked for.
        max_share: The limit that the rounds were held to.
        rounds: What became of each.
    """

    every: int
    max_share: float
    rounds: tuple[PreviewRound, ...] = ()

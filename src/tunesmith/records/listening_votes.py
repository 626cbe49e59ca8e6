"""The file that a page of a listening test gives its listener to send back."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import Field

from tunesmith.records.record import Part, Record

CLEARLY_A, CLEARLY_B = -2, 2
"""Ends of the scale; 0 is no difference."""
LEAST_HEARD_MS = 1500
"""How long each side has to be heard before a vote; of shorter clips nine tenths."""


class Vote(Part):
    """One preference.

    Attributes:
        trial: Number of the pair on the page.
        a: The clip that was on side A.
        b: The clip that was on side B.
        choice: -2 A clearly, -1 A, 0 no difference, 1 B, 2 B clearly.
        heard_a_ms: How long side A was heard, in milliseconds.
        heard_b_ms: The same of side B.
        took_ms: Time from the pair's appearance to the vote.
    """

    trial: Annotated[int, Field(ge=0)]
    a: str
    b: str
    choice: Annotated[int, Field(ge=CLEARLY_A, le=CLEARLY_B)]
    heard_a_ms: Annotated[int, Field(ge=0)]
    heard_b_ms: Annotated[int, Field(ge=0)]
    took_ms: Annotated[int, Field(ge=0)]


class ListeningVotes(Record):
    """What one person has voted on one page.

    Attributes:
        page: Id of the page.
        listener: Drawn by the page on this person's device.
        name: What the person is called; empty where they did not say.
        saved: When the file was saved (ISO 8601, UTC).
        votes: In the order they were given.
        digest: Of everything above, by which a changed file is known (:meth:`computed_digest`).
    """

    page: str
    listener: Annotated[str, Field(min_length=1)]
    name: str = ""
    saved: str
    votes: tuple[Vote, ...]
    digest: str

    def computed_digest(self) -> str:
        """What :attr:`digest` is in a file that nobody has changed; ``listening.js`` computes the same.

        It tells of edits and of damage. It is no signature: whoever reads the page's script can compute it too.
        """
        head = ("tunesmith votes 1", self.page, self.listener, self.name, self.saved)
        rows = (f"{v.trial} {v.a} {v.b} {v.choice} {v.heard_a_ms} {v.heard_b_ms} {v.took_ms}" for v in self.votes)
        return hashlib.sha256("\n".join((*head, *rows)).encode("utf-8", "replace")).hexdigest()

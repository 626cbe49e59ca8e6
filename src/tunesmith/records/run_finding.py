"""What is said of a whole run, and of one clip: the verdicts of the evaluation as they lie on disk."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tunesmith.records.record import Number, Part, Said
from tunesmith.texts import NOTHING

Severity = Literal["broken", "flaw", "note"]
"""Not usable as audio; usable, and audibly wrong; worth knowing."""
FindingKind = Literal["better", "worse", "same", "broken", "unmeasured"]
"""Against the base model; ``broken`` is not usable whatever the base does, ``unmeasured`` is neither good nor bad."""


class ClipVerdict(Part):
    """One rule that one clip breaks.

    Attributes:
        name: The rule.
        sentence: What was found, with its number and limit.
        value: The deciding measurement.
        limit: What it was held against.
        severity: How bad it is.
    """

    name: str
    sentence: Said
    value: Number
    limit: Number
    severity: Severity = "flaw"


class RunFinding(Part):
    """One judgement of the run.

    Attributes:
        name: What was judged; a file rule's name, or a run rule's.
        kind: ``better``, ``worse`` or ``same`` than the base model, ``broken``: not usable whatever the base does, or
            ``unmeasured``: nothing can be said.
        title: Two or three words.
        sentence: The judgement with its numbers.
        cause: What lies behind it, where something that was measured in this run speaks for it; else empty.
        remedy: What to do next; empty for good news.
        evidence: The numbers behind it, by name.
    """

    name: str
    kind: FindingKind
    title: Said
    sentence: Said
    cause: Said = NOTHING
    remedy: Said = NOTHING
    evidence: dict[str, Number] = Field(default_factory=dict)


class Cause(Part):
    """What lies behind a run that went wrong; named only where something that was measured in it speaks for it.

    Attributes:
        name: Which cause.
        title: Two or three words.
        sentence: What was measured, beside what is normal.
        remedy: What to do about it.
        evidence: The numbers behind it, by name.
    """

    name: str
    title: Said
    sentence: Said
    remedy: Said
    evidence: dict[str, Number] = Field(default_factory=dict)

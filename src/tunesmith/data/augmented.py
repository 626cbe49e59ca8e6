"""Samples as a model family needs them: what it added to what the user's files say, and what it cannot use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunesmith.data.sample import Sample
from tunesmith.records.findings import Finding
from tunesmith.texts import Message


@dataclass(frozen=True)
class Augmented:
    """Samples after a family has completed them.

    Attributes:
        samples: All that can be used, in their order.
        findings: Findings about single samples; one with an error is not among the samples.
        notes: What was decided for all of them.
    """

    samples: Sequence[Sample]
    findings: Sequence[Finding] = field(default_factory=list)
    notes: Sequence[Message] = field(default_factory=list)

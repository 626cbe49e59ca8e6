"""Every cause, in the order in which they explain one another away."""

from __future__ import annotations

from collections.abc import Callable

from tunesmith.evaluation.causes import (
    by_heart,
    captions,
    objective,
    other_base,
    rate,
    silence,
    strength,
    untrained,
    zero,
)
from tunesmith.evaluation.diagnosis.run_finding import RunData
from tunesmith.records.run_finding import Cause

CAUSES: tuple[Callable[[RunData], Cause | None], ...] = (
    zero.find,
    other_base.find,
    strength.find_changed,
    silence.find,
    objective.find,
    rate.find,
    by_heart.find,
    strength.find,
    captions.find,
    untrained.find,
)
CONCLUSIVE = frozenset({"zero", "other_base", "other_strength", "padding", "objective", "rate"})
"""Causes that all others would follow from: an adapter at the wrong strength also looks badly trained."""


def find_causes(run: RunData) -> tuple[Cause, ...]:
    """The causes that something measured in this run speaks for; the one that explains most comes first."""
    found = tuple(cause for find in CAUSES if (cause := find(run)) is not None)
    return found[:1] if found and found[0].name in CONCLUSIVE else found

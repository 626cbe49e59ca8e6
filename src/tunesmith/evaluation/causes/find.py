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


def find_causes(run: RunData) -> tuple[Cause, ...]:
    """The first cause that something measured in this run speaks for; none in a run that nothing speaks against.

    What stands further down the list may follow from what stands above it: an adapter at the wrong strength also looks
    badly trained, and one that learnt its clips by heart no longer listens to captions. So only the first is named, and
    the next shows once that is mended.
    """
    return next(((cause,) for find in CAUSES if (cause := find(run)) is not None), ())

"""What the course of a training says: whether the held-out loss turned while the training loss went on falling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from tunesmith.evaluation.evidence import HeldOut, TrainingEvidence

_TOOK_BACK = 0.25
_LEAST = 3


@dataclass(frozen=True)
class Overfit:
    """A held-out loss that turned.

    Attributes:
        best_update: Where it was lowest.
        last_update: Where it was measured last.
        lowest: The lowest.
        last: The last.
        train: The training loss at the end.
        lost: Share of what had been gained that was lost again.
    """

    best_update: int
    last_update: int
    lowest: float
    last: float
    train: float
    lost: float


def overfit(training: TrainingEvidence | None) -> Overfit | None:
    """The stage whose held-out loss took back most of its gain while the training loss fell; ``None`` where none did.

    A quarter of the gain has to be lost: the last measurements of good runs lie within a tenth of their best.
    """
    if training is None or not training.losses:
        return None
    found = [_turned(list(of_stage), training) for _, of_stage in groupby(training.held_out, lambda one: one.stage)]
    return max((one for one in found if one is not None), key=lambda one: one.lost, default=None)


def _turned(held_out: Sequence[HeldOut], training: TrainingEvidence) -> Overfit | None:
    if len(held_out) < _LEAST:
        return None
    first, best, last = held_out[0], min(held_out, key=lambda one: one.loss), held_out[-1]
    gained = first.loss - best.loss
    lost = (last.loss - best.loss) / gained if gained > 0 else 0.0
    before, after = _train_at(training, best.update), _train_at(training, last.update)
    if lost < _TOOK_BACK or before is None or after is None or after >= before:
        return None
    return Overfit(best.update, last.update, best.loss, last.loss, after, lost)


def _train_at(training: TrainingEvidence, update: int) -> float | None:
    """The training loss that was written nearest to an update."""
    return min(training.losses, key=lambda one: abs(one[0] - update))[1] if training.losses else None

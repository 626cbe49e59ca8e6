"""Which of several adapters to keep, or that it cannot be told: one rule for training, runs and checkpoints.

Held-out loss decides among those whose sound is usable, and nothing else does. That one is really better than another
is only said where the same clips show it, one by one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tunesmith.evaluation.paired import Interval, fewest_pairs, interval
from tunesmith.texts import Message

LEAST = 0.01
"""Share of a loss that matters between two adapters: another seed of the same run differs by about as much."""
ALPHA = 0.1
"""Five clips are the fewest that can tell, and few people hold out more than eight."""
FEWEST_CLIPS = fewest_pairs(ALPHA)


@dataclass(frozen=True)
class Contender:
    """An adapter, or an update of one.

    Attributes:
        name: Of a run, a checkpoint or an update.
        loss: Held-out loss; infinite where it is not known.
        clips: The held-out loss of every clip that was measured alone.
        faults: What makes its sound unusable.
    """

    name: str
    loss: float
    clips: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Message, ...] = ()


@dataclass(frozen=True)
class Ruling:
    """What is said of contenders.

    Attributes:
        ordered: All of them, the one to keep first, those with unusable sound last.
        rivals: Those with usable sound that the first cannot be told from.
    """

    ordered: tuple[Contender, ...]
    rivals: tuple[Contender, ...]

    @property
    def first(self) -> Contender | None:
        """The one to keep; ``None`` where none has usable sound and a loss."""
        first = self.ordered[0] if self.ordered else None
        return None if first is None or first.faults or not math.isfinite(first.loss) else first


def judge(contenders: Sequence[Contender]) -> Ruling:
    """Order contenders, of equal ones the earlier first, and say which the first cannot be told from."""
    ordered = tuple(sorted(contenders, key=lambda one: (bool(one.faults), one.loss)))
    sound = [one for one in ordered[1:] if not one.faults]
    return Ruling(ordered, tuple(one for one in sound if not is_better(ordered[0], one)))


def is_lower(loss: float, than: float | None) -> bool:
    """Whether a loss is a number below another one; any number is below none."""
    return math.isfinite(loss) and (than is None or loss < than)


def is_better(first: Contender, second: Contender) -> bool:
    """Lower by a share that matters, and on the same clips by more than chance."""
    return second.loss - first.loss >= LEAST * second.loss and difference(first, second).high < 0


def difference(first: Contender, second: Contender) -> Interval:
    """The first one's loss less the second one's, over the clips that were measured of both."""
    shared = [clip for clip in first.clips if clip in second.clips]
    return interval([first.clips[clip] - second.clips[clip] for clip in shared], ALPHA)

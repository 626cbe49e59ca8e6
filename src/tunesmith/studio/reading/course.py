"""A run's course as a page shows it: points of its curves, thinned where there are more than a screen has room for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tunesmith.records.metrics import EventLine, GateLine, MetricLine, PreviewLine, TrainLine, ValidLine

Point = tuple[int, float]
MOST_POINTS = 400


@dataclass
class Course:
    """Lines by what a page does with them.

    Attributes:
        train: Loss by update.
        valid: Held-out loss by update.
        forgetting: Loss on the base model's own outputs by update.
        rate: Learning rate by update.
        events: What happened.
        gates: What was seen before the first update.
        previews: Sounds made on the way.
        last: The last update.
    """

    train: list[Point] = field(default_factory=list)
    valid: list[Point] = field(default_factory=list)
    forgetting: list[Point] = field(default_factory=list)
    rate: list[Point] = field(default_factory=list)
    events: list[EventLine] = field(default_factory=list)
    gates: list[GateLine] = field(default_factory=list)
    previews: list[PreviewLine] = field(default_factory=list)
    last: int = 0

    @classmethod
    def of(cls, lines: Iterable[MetricLine]) -> Course:
        """The course that lines tell."""
        made = cls()
        for line in lines:
            made.last = max(made.last, line.update)
            match line:
                case TrainLine():
                    _add(made.train, line.update, line.loss)
                    _add(made.rate, line.update, line.learning_rate)
                case ValidLine():
                    _add(made.valid, line.update, line.loss)
                    _add(made.forgetting, line.update, line.forgetting)
                case EventLine():
                    made.events.append(line)
                case GateLine():
                    made.gates.append(line)
                case PreviewLine():
                    made.previews.append(line)
        return made

    def curves(self) -> dict[str, list[Point]]:
        """The curves, thinned."""
        named = {"train": self.train, "valid": self.valid, "forgetting": self.forgetting, "rate": self.rate}
        return {name: thinned(points) for name, points in named.items()}


def _add(points: list[Point], update: int, value: float | None) -> None:
    if value is not None and math.isfinite(value):
        points.append((update, float(f"{value:.6g}")))


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most ``most`` points, each the lowest or highest of its stretch, so that no peak is lost.

    Of a repeated update the last counts, as a resumed run does some updates twice.
    """
    ordered = sorted(dict(points).items())
    if len(ordered) <= most:
        return ordered
    first, *middle, last = ordered
    stretches = (most - 2) // 2
    kept = [first]
    for number in range(stretches):
        part = middle[number * len(middle) // stretches : (number + 1) * len(middle) // stretches]
        ends = {min(part, key=lambda point: point[1]), max(part, key=lambda point: point[1])}
        kept.extend(sorted(ends))
    return [*kept, last]

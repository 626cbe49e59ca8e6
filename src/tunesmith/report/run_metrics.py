"""What the report knows of a run's course: the lines of ``metrics.jsonl`` by kind, each update once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.records.metrics import (
    EventLine,
    GateLine,
    MetricLine,
    PreviewLine,
    TrainLine,
    ValidLine,
    read_metric_lines,
)
from tunesmith.texts import Message, msg


@dataclass(frozen=True)
class RunMetrics:
    """Metric lines by kind, each kind ordered by update; false where there are none.

    What previews objected to later is no best any more.
    """

    train: tuple[TrainLine, ...] = ()
    valid: tuple[ValidLine, ...] = ()
    previews: tuple[PreviewLine, ...] = ()
    gates: tuple[GateLine, ...] = ()
    events: tuple[EventLine, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any line."""
        return any((self.train, self.valid, self.previews, self.gates, self.events))

    @classmethod
    def of(cls, lines: Iterable[MetricLine]) -> RunMetrics:
        """Sort lines as a file has them; of a repeated one the last counts, as a resumed run does updates twice."""
        last = {_identity(line, order): line for order, line in enumerate(lines)}
        kept = sorted(last.values(), key=lambda line: line.update)
        vetoed = {line.about for line in kept if isinstance(line, EventLine) and line.name == "vetoed"}
        return cls(
            train=tuple(line for line in kept if isinstance(line, TrainLine)),
            valid=tuple(
                line.model_copy(update={"best": line.best and line.update not in vetoed})
                for line in kept
                if isinstance(line, ValidLine)
            ),
            previews=tuple(line for line in kept if isinstance(line, PreviewLine)),
            gates=tuple(line for line in kept if isinstance(line, GateLine)),
            events=tuple(line for line in kept if isinstance(line, EventLine)),
        )


def read_run_metrics(path: Path, problems: list[Message]) -> RunMetrics:
    """The lines of a file that are understood; the first that is not is named in ``problems``, the others counted."""
    refused: list[TunesmithError] = []
    lines: list[MetricLine] = []
    try:
        lines.extend(read_metric_lines(path, refused))
    except OSError as error:
        problems.append(msg("{where}: {said}", where=str(path), said=str(error)))
    if len(refused) > 1:
        problems.append(
            msg(
                "{problem} ({count} more lines of this file are passed over.)",
                problem=refused[0].message,
                count=len(refused) - 1,
            )
        )
    elif refused:
        problems.append(refused[0].message)
    return RunMetrics.of(lines)


def _identity(line: MetricLine, order: int) -> tuple[str, int | str, int]:
    """What a repeated line has in common with the one it replaces; every event stands by itself."""
    match line:
        case TrainLine():
            return line.kind, line.update, 0
        case ValidLine():  # where one stage ends, the next one begins
            return f"{line.kind} {line.stage}", line.update, 0
        case PreviewLine():
            return line.kind, line.update, line.index
        case GateLine():
            return line.kind, line.name, 0
    return line.kind, "", order

"""Progress bars of a build, one for each of its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.pocket.pretraining import Report, Trained

Advance = Callable[[float, str], None]
"""Moves a bar: the share that is done, and a note."""
Bar = Callable[[str], Advance]
"""Opens a bar under a title."""


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Bar]:
    """A function that opens a bar and gives back what moves it."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = [
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
    ]  # fmt: skip
    with Progress(*columns, disable=quiet) as progress:

        def opened(title: str) -> Advance:
            task = progress.add_task(title, total=1.0, note="")
            return lambda done, note: progress.update(task, completed=min(1.0, done), note=note)

        yield opened


def training_report(advance: Advance) -> Report:
    """What tells a bar how a training gets on."""

    def report(used: Trained, done: float) -> None:
        advance(done, f"update {used.updates}, loss {used.loss:.3f}")

    return report

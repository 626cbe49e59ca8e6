"""Tasks that worker processes of the tests open; light to import, as each of them does."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError


@contextmanager
def squares() -> Iterator[Callable[[int], tuple[int, int, str | None]]]:
    """The later of two neighbours is done first; with the square, who did it and on how many threads."""

    def work(number: int) -> tuple[int, int, str | None]:
        time.sleep(0.0 if number % 2 else 0.03)
        print("a worker may print")
        return number * number, os.getpid(), os.environ.get("OMP_NUM_THREADS")

    yield work


@contextmanager
def dying() -> Iterator[Callable[[tuple[int, Path | None]], int]]:
    """Kills itself where the marker's file is not there yet, or always where it is ``None`` and the number is odd."""

    def work(job: tuple[int, Path | None]) -> int:
        number, marker = job
        if marker is not None and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if marker is None and number % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    yield work


class OddError(ValueError):
    """One whose arguments are not those of its class, so that it cannot be read back."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


@contextmanager
def failing() -> Iterator[Callable[[int], int]]:
    """Fails at 3 with an error of the user's, at 5 with one that cannot come back."""

    def work(number: int) -> int:
        if number == 3:
            raise TunesmithError("three is too many", where="here", remedy="Take two.")
        if number == 5:
            raise OddError(1, 2)
        return number

    yield work


@contextmanager
def refusing() -> Iterator[Any]:
    """Cannot be opened."""
    raise TunesmithError("there are no weights", where="model.path")
    yield


@contextmanager
def stillborn() -> Iterator[Any]:
    """Ends its process before it begins."""
    os._exit(3)
    yield


class _LongLast:
    """Is still being finalized when a request to stop comes; exceptions do not get out of a finalizer."""

    def __init__(self, marker: Path) -> None:
        self._marker = marker

    def __del__(self) -> None:
        self._marker.touch()
        time.sleep(600)


@contextmanager
def sleeping() -> Iterator[Callable[[Path], int]]:
    """Works for longer than any test lasts, and tidies up when it is broken off."""

    def work(folder: Path) -> int:
        mine = folder / f"{os.getpid()}.busy"
        mine.touch()
        try:
            time.sleep(600)
        finally:
            mine.unlink()
        return 0

    yield work


@contextmanager
def sleeping_in_a_finalizer() -> Iterator[Callable[[Path], int]]:
    """As :func:`sleeping`, but what breaks it off comes while something is finalized."""

    def work(folder: Path) -> int:
        mine = folder / f"{os.getpid()}.busy"
        try:
            last: _LongLast | None = _LongLast(mine)
            last = None
            assert last is None
            time.sleep(600)
        finally:
            mine.unlink()
        return 0

    yield work


@contextmanager
def sleeping_at_its_opening() -> Iterator[Callable[[Path], int]]:
    """Is broken off while it opens, as in an import, where a library may finalize what it likes."""
    folder = Path(os.environ["TUNESMITH_TEST_MARKERS"])
    _LongLast(folder / f"{os.getpid()}.busy")
    yield lambda job: 0


TASKS = {task.__name__: task for task in (sleeping, sleeping_in_a_finalizer, sleeping_at_its_opening)}


def sleep_in_workers(name: str, folder: str) -> None:
    """A command with workers, for a test to kill."""
    from tunesmith.data.workers import WorkerPool

    os.environ["TUNESMITH_TEST_MARKERS"] = folder
    with WorkerPool(TASKS[name], 2) as pool:
        list(pool.run([Path(folder)] * 8))

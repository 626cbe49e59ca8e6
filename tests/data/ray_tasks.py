"""Tasks that actors of the tests open."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def slow_places() -> Iterator[Callable[[int], tuple[int, str]]]:
    """Takes a while, and says on which machine it was done."""
    import ray

    place = ray.get_runtime_context().get_node_id()

    def work(number: int) -> tuple[int, str]:
        time.sleep(0.2)
        return number, place

    yield work


@contextmanager
def opened() -> Iterator[Callable[[int], tuple[int, int, str | None, int]]]:
    """With the square, who did it, on how many threads, and how often that one has opened it."""
    opened.times = getattr(opened, "times", 0) + 1

    def work(number: int) -> tuple[int, int, str | None, int]:
        time.sleep(0.0 if number % 2 else 0.03)
        return number * number, os.getpid(), os.environ.get("OMP_NUM_THREADS"), opened.times

    yield work

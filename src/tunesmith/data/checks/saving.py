"""When to save what was measured so far, so that a command that is killed loses seconds and not hours."""

from __future__ import annotations

import time
from collections.abc import Callable

_LEAST_S = 10.0
_TIMES = 20
"""Saving takes at most one part in so many of the time."""


class Saving:
    """Calls a function now and then.

    Args:
        save: Writes all that is known so far.
        least_s: Seconds between two calls, or more where one takes long.
    """

    def __init__(self, save: Callable[[], None], least_s: float = _LEAST_S) -> None:
        self.save, self.least_s = save, least_s
        self._next = time.monotonic() + least_s

    def tick(self) -> None:
        """Call this after every step."""
        started = time.monotonic()
        if started >= self._next:
            self.save()
            ended = time.monotonic()
            self._next = ended + max(self.least_s, _TIMES * (ended - started))

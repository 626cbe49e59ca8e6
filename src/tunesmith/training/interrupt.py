"""Ctrl-C and SIGTERM as a request: finish the update, save, stop. A second one stops at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tunesmith.run.launcher import LOOK_SECONDS, is_launched, is_launcher_gone, remember_launcher

FORWARDED_SECONDS = 2.0
"""Launchers and job managers send SIGTERM to a process and to its group: within this time it is the same request."""


class StopRequest:
    """Whether, and by which signal, the run was asked to stop."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self._at = 0.0

    def __bool__(self) -> bool:
        return self.signal is not None

    def receive(self, number: int, _frame: FrameType | None) -> None:
        """Remember the first signal; raise on the second, unless it is the first one forwarded."""
        if self.signal is None:
            self.signal, self._at = number, time.monotonic()
            return
        forwarded = number == signal.SIGTERM or is_launched()
        if not (forwarded and time.monotonic() - self._at < FORWARDED_SECONDS):
            raise KeyboardInterrupt


@contextmanager
def catch_signals() -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM for the length of the block (only where signals can be caught: the main thread).

    A process whose launcher has died is asked to stop as well: nobody else would end it.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request.receive) for number in (signal.SIGINT, signal.SIGTERM)}
    over = threading.Event()
    if is_launched():
        remember_launcher()
        threading.Thread(target=_follow_launcher, args=(request, over), daemon=True).start()
    try:
        yield request
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow_launcher(request: StopRequest, over: threading.Event) -> None:
    while not over.wait(LOOK_SECONDS):
        if is_launcher_gone():
            request.signal = request.signal or signal.SIGTERM
            return

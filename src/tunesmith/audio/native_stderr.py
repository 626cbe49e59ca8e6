"""Keep what C libraries write to the terminal off it: libmpg123 comments on every odd frame.

libsndfile opens it without its quiet flag, and it writes to the process's standard error, past Python.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_depth = 0
_saved = -1
_STDERR = 2


@contextmanager
def native_stderr_silenced() -> Iterator[None]:
    """Send the process's standard error to nowhere for a moment; calls may overlap in several threads."""
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _depth, _saved  # noqa: PLW0603 - there is one standard error per process
    with _lock:
        _depth += 1
        if _depth > 1:
            return
        try:
            _saved = os.dup(_STDERR)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, _STDERR)
            os.close(nowhere)
        except OSError:  # closed, as in a daemon: there is nothing to keep quiet
            _saved = -1


def _leave() -> None:
    global _depth, _saved  # noqa: PLW0603
    with _lock:
        _depth -= 1
        if _depth == 0 and _saved >= 0:
            os.dup2(_saved, _STDERR)
            os.close(_saved)
            _saved = -1

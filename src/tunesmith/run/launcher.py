"""The process that started this one as one of several, and what happens when it dies: nobody else would end us."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

LAUNCHED = "TORCHELASTIC_RUN_ID"
"""Set in the processes that torchrun, ``accelerate launch`` and the trainer's doorway start and watch over."""
LOOK_SECONDS = 1.0


@cache
def remember_launcher() -> int:
    """The parent that this process began under; called first of all, because a launcher can die at any time."""
    return os.getppid()


def is_launched() -> bool:
    """Whether a launcher started this process as one of several."""
    return LAUNCHED in os.environ


def is_launcher_gone() -> bool:
    """Whether the parent that this process began under is dead."""
    return os.getppid() != remember_launcher() or not _is_python(remember_launcher())


@cache
def _is_python(process: int) -> bool:
    """Whether a process is Python, as every launcher is; true where it cannot be told.

    A launcher that died before this process looked has left it to ``init`` or a session manager, which are not.
    """
    try:
        return "python" in os.path.basename(os.readlink(f"/proc/{process}/exe"))
    except PermissionError:
        return False  # another user's
    except OSError:
        return True


@contextmanager
def ending_with_launcher() -> Iterator[None]:
    """End this process when its launcher dies inside the block, which waits for others and has nothing to save.

    The wait is inside torch, where no signal's handler gets a turn.
    """
    over = threading.Event()
    if is_launched():
        remember_launcher()
        threading.Thread(target=_end_with_launcher, args=(over,), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _end_with_launcher(over: threading.Event) -> None:
    while not over.wait(LOOK_SECONDS):
        if is_launcher_gone():
            os._exit(1)

"""What differs between systems: locks that die with their holder, processes that outlive their parent, asking to stop.

POSIX hands a lock on to the child (flock belongs to the open file, which the child inherits), so that it is held as
long as either lives. Windows does not; there the child holds a lock of its own (:mod:`tunesmith.studio.jobs.child`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

if sys.platform == "win32":
    import msvcrt

    INHERITS = False
else:
    import fcntl

    INHERITS = True
"""Whether a lock stays held while a child that was given it lives."""


def take(path: Path) -> int | None:
    """Take a lock and return the descriptor that holds it; ``None`` where somebody else has it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _lock(descriptor)
    except OSError:  # held; also on the file systems that know no locks, where no job can be kept apart from another
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Whether anybody holds a lock; asking neither makes the file nor keeps others who only ask from asking."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(descriptor, shared=True)
        _unlock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


if sys.platform == "win32":

    def _lock(descriptor: int, *, shared: bool = False) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

    def detached() -> dict[str, Any]:
        """What :class:`subprocess.Popen` is given for a process that outlives us; its hidden console is its own."""
        return {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}

    def own_group(locks: Sequence[int] = ()) -> dict[str, Any]:
        """The same for a process that can be asked to stop by itself; locks are not handed on here."""
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}

    def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
        """Ask a process of its own group to stop; :func:`obey` makes Ctrl-C of it there."""
        process.send_signal(signal.CTRL_BREAK_EVENT)

    def end(process: subprocess.Popen[bytes]) -> None:
        """End a process at once."""
        process.kill()

    def obey() -> None:
        """Take Ctrl-Break, which the supervisor sends, as Ctrl-C, which every command knows."""
        signal.signal(signal.SIGBREAK, lambda *_: signal.raise_signal(signal.SIGINT))

    def stop_myself() -> None:
        """Stop as if the supervisor had asked."""
        signal.raise_signal(signal.SIGINT)

    def end_myself() -> None:
        """End at once."""
        os._exit(137)  # as shells tell of SIGKILL

    def has_parent(pid: int, lock: Path) -> bool:
        """Whether the process that started this one lives: it alone holds the lock."""
        return is_held(lock)

else:

    def _lock(descriptor: int, *, shared: bool = False) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)

    def detached() -> dict[str, Any]:
        """What :class:`subprocess.Popen` is given for a process that outlives us."""
        return {"start_new_session": True}

    def own_group(locks: Sequence[int] = ()) -> dict[str, Any]:
        """The same for a process that can be asked to stop by itself, and that takes over ``locks``."""
        return {"start_new_session": True, "pass_fds": tuple(locks)}

    def ask_to_stop(process: subprocess.Popen[bytes]) -> None:
        """Ask a process to stop: the command saves first."""
        process.send_signal(signal.SIGTERM)

    def end(process: subprocess.Popen[bytes]) -> None:
        """End a process and its workers at once."""
        os.killpg(process.pid, signal.SIGKILL)

    def obey() -> None:
        """Take what the supervisor sends: SIGTERM, which every command knows."""

    def stop_myself() -> None:
        """Stop as if the supervisor had asked; the signal wakes the main thread, wherever it waits."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)

    def end_myself() -> None:
        """End at once, with the workers."""
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def has_parent(pid: int, lock: Path) -> bool:
        """Whether the process that started this one lives: an orphan gets another parent."""
        return os.getppid() == pid

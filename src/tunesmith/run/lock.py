"""One writer at a time in a run folder: a lock that the system gives back when its holder dies."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from tunesmith.errors import TunesmithError
from tunesmith.files import explain_os_error
from tunesmith.records.writer import Writer
from tunesmith.texts import msg

LOCK, WRITER = ".lock", ".writer.json"
"""In a run folder: the file that is locked, and who holds it. The first is kept, the second goes with its holder."""
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)
"""What file systems answer that know no locks."""


@contextmanager
def run_lock(folder: Path, command: str) -> Iterator[Taken]:
    """Be the only process that writes into a run folder; inside of itself, in one process, it does nothing more.

    Args:
        folder: The run folder; it exists.
        command: What the user typed.

    Raises:
        TunesmithError: when another process holds the lock, saying which, or when the folder cannot be written to.
    """
    lock: BaseFileLock = FileLock(folder / LOCK, timeout=0, thread_local=False, is_singleton=True)
    inside = lock.is_locked
    try:
        lock = _acquired(lock, folder)
    except Timeout as error:
        raise _held(folder) from error
    except OSError as error:
        raise explain_os_error(error, folder) from error
    record = folder / WRITER
    try:
        left = None if inside else _writer(folder)
        if not inside:
            _present(folder, command).write(record)
        yield Taken(outermost=not inside, left=left)
    finally:
        if not inside:
            record.unlink(missing_ok=True)
        lock.release()


class Taken:
    """A lock that was taken.

    Attributes:
        outermost: Whether it was not held by this process before.
        left: Who held it last and died without giving it back.
    """

    def __init__(self, *, outermost: bool, left: Writer | None) -> None:
        self.outermost, self.left = outermost, left


def writer_of(folder: Path) -> Writer | None:
    """Who is writing into a run folder now; ``None`` where nobody is."""
    lock = FileLock(folder / LOCK, timeout=0, thread_local=False, is_singleton=True)
    if lock.is_locked or not (folder / LOCK).exists():
        return None
    try:
        lock.acquire()
    except Timeout:
        return _writer(folder)
    except OSError:  # a folder that cannot be written to has no writer here
        return None
    lock.release()
    return None


def _acquired(lock: BaseFileLock, folder: Path) -> BaseFileLock:
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        lock = SoftFileLock(folder / f"{LOCK}.pid", timeout=0, thread_local=False, is_singleton=True)
        lock.acquire()
    return lock


def _present(folder: Path, command: str) -> Writer:
    return Writer(
        folder=str(folder.resolve()),
        host=socket.gethostname(),
        pid=os.getpid(),
        command=command or "tunesmith",
        since=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M:%S"),
    )


def _writer(folder: Path) -> Writer | None:
    """The record beside the lock; ``None`` without it, or where it is torn or was copied with another folder."""
    try:
        found = Writer.read(folder / WRITER)
    except TunesmithError:
        return None
    return found if found.folder == str(folder.resolve()) else None


def _held(folder: Path) -> TunesmithError:
    writer = _writer(folder)
    if writer is None:
        return TunesmithError(
            msg("another command is writing into this run"), where=str(folder), remedy=msg("Wait until it has ended.")
        )
    return TunesmithError(
        msg(
            "`{command}` is writing into this run (PID {pid} on {host}, since {since})",
            command=writer.command,
            pid=str(writer.pid),
            host=writer.host,
            since=writer.since,
        ),
        where=str(folder),
        remedy=msg(
            "Wait until it has ended, or stop it with `kill {pid}` on that machine; training saves before it stops.",
            pid=str(writer.pid),
        ),
    )

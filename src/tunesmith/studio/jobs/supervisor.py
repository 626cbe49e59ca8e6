"""A job's supervisor: waits for its turn on a device, runs one command, writes down how it ended.

``python -m tunesmith.studio.jobs.supervisor FOLDER ID DEVICE RUN [--locks own] -- VERB …``. It is nobody's child: page
and server may die. It may die too: the command keeps the locks, and others in the queue see that it works.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.studio.jobs import system
from tunesmith.studio.jobs.record import JobFiles, JobRecord, all_jobs
from tunesmith.studio.jobs.state import ended, is_alive

LOOK_SECONDS = 0.2
CANNOT_START = 127
"""The exit code that shells give where a program cannot be started."""


class Supervisor:
    """One job from the queue to its end.

    Args:
        files: Its files.
        record: What it is to do.
        inherits: Whether the command takes over the locks, or holds one of its own only.
    """

    def __init__(self, files: JobFiles, record: JobRecord, *, inherits: bool = system.INHERITS) -> None:
        self.files, self.record, self.inherits = files, record, inherits
        self._asked = False
        self._over: set[str] = set()

    def run(self) -> int:
        """Do the job; returns the exit code of its command."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)
        lock = self._take(self.files.lock)
        self._write(self.record)
        device = self._wait_for_turn()
        if device is None:
            self._write(replace(self.record, ended=time.time()))
            return 0
        child = self._start((lock, device))
        code = CANNOT_START if child is None else self._attend(child)
        self._write(replace(self.record, ended=time.time(), code=code))
        return code

    def _receive(self, *_: object) -> None:
        self._asked = True

    def _is_asked(self) -> bool:
        return self._asked or self.files.is_asked_to_stop()

    def _write(self, record: JobRecord) -> None:
        self.record = record
        self.files.write(record)

    @staticmethod
    def _take(path: Path) -> int:
        while (descriptor := system.take(path)) is None:  # somebody asks whether it is held, for a moment
            time.sleep(LOOK_SECONDS / 10)
        return descriptor

    def _wait_for_turn(self) -> int | None:
        """The device's lock, when everybody before this job is done; ``None`` when it was cancelled."""
        while not self._is_asked():
            if not any(self._is_before(other) for other in all_jobs(self.files.folder)):
                lock = system.take(self.files.device_lock(self.record.device))
                if lock is not None:
                    if not any(self._works(other) for other in all_jobs(self.files.folder)):
                        return lock
                    os.close(lock)
            time.sleep(LOOK_SECONDS)
        return None

    def _is_before(self, other: JobFiles) -> bool:
        """Whether another job waits for the same device and came first."""
        record = self._unfinished(other) if other.id < self.record.id else None
        return record is not None and record.started is None and is_alive(other)

    def _works(self, other: JobFiles) -> bool:
        """Whether the command of another job works on the device although its supervisor is gone."""
        record = self._unfinished(other) if other.id != self.record.id else None
        return record is not None and system.is_held(other.work)

    def _unfinished(self, other: JobFiles) -> JobRecord | None:
        """The record of a job of this device that may not be over."""
        if other.id in self._over:
            return None
        try:
            record = ended(other)
        except TunesmithError:
            return None
        if record.ended is not None:
            self._over.add(other.id)
        return record if record.ended is None and record.device == self.record.device else None

    def _start(self, locks: Sequence[int]) -> subprocess.Popen[bytes] | None:
        words = [str(self.files.folder), self.record.id, "--", *self.record.argv]
        with self.files.log.open("ab") as log:
            try:
                child: subprocess.Popen[bytes] = subprocess.Popen(
                    [sys.executable, "-m", "tunesmith.studio.jobs.child", *words],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "120"},
                    **system.own_group(locks if self.inherits else ()),
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                return None
        self._write(replace(self.record, started=time.time(), child=child.pid))
        return child

    def _attend(self, child: subprocess.Popen[bytes]) -> int:
        while child.poll() is None:
            if self.record.stopping is None and self._is_asked():
                write_text(self.files.stop, "stop\n") if not self.files.is_asked_to_stop() else None
                system.ask_to_stop(child)
                self._write(replace(self.record, stopping=time.time()))
            if self.files.is_to_end():
                system.end(child)
            time.sleep(LOOK_SECONDS)
        return child.returncode


def main(arguments: Sequence[str]) -> int:
    """Supervise the job that a command line describes."""
    cut = list(arguments).index("--")
    folder, name, device, run, *more = arguments[:cut]
    argv = tuple(arguments[cut + 1 :])
    files = JobFiles(Path(folder), name)
    record = JobRecord(
        id=name, device=device, verb=argv[0], run=run, argv=argv, queued=time.time(), supervisor=os.getpid()
    )
    return Supervisor(files, record, inherits=system.INHERITS and more != ["--locks", "own"]).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a job is doing, derived from the locks that are held and never from a process id or a remembered word."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.studio.jobs.record import JobFiles, JobRecord
from tunesmith.studio.jobs.system import is_held

JobState = Literal["queued", "running", "stopping", "done", "failed", "stopped", "cancelled", "lost"]
UNFINISHED: tuple[JobState, ...] = ("queued", "running", "stopping")


def is_alive(files: JobFiles) -> bool:
    """Whether the job's supervisor or its command is there."""
    return is_held(files.lock) or is_held(files.work)


def state_of(files: JobFiles, record: JobRecord) -> JobState:
    """The state of a job whose record was just read.

    The lock is asked before the record is read again, so that a job which ends in between is not called lost.
    """
    if record.ended is None:
        if is_alive(files):
            return _at_work(files, record)
        record = ended(files)
    asked = record.stopping is not None or files.is_asked_to_stop()
    if record.ended is None:
        if not asked:
            return "lost"
        return "cancelled" if record.started is None else "stopped"
    return _of_code(record.code, asked=asked)


def _at_work(files: JobFiles, record: JobRecord) -> JobState:
    if record.started is None:
        return "queued"
    return "stopping" if files.is_asked_to_stop() else "running"


def _of_code(code: int | None, *, asked: bool) -> JobState:
    if code is None:
        return "cancelled"
    if code == 0:
        return "done"
    return "stopped" if asked else "failed"


def ended(files: JobFiles) -> JobRecord:
    """The record as it is now; of a command whose supervisor is gone, how it ended by its own account."""
    record = files.read()
    if record.ended is not None or not files.exit.exists():
        return record
    try:
        said = read_json(files.exit)
        return replace(record, ended=float(said["ended"]), code=int(said["code"]))
    except (TunesmithError, LookupError, TypeError, ValueError):
        return record

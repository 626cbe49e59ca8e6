"""Starting and stopping jobs from outside: the supervisor does the rest, and nobody waits for it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import write_text
from tunesmith.studio.errors import NotNowError, NotThereError
from tunesmith.studio.jobs import system
from tunesmith.studio.jobs.record import JobFiles, JobRecord, all_jobs, new_id
from tunesmith.studio.jobs.state import UNFINISHED, JobState, ended, state_of
from tunesmith.studio.jobs.verbs import WantedJob
from tunesmith.texts import msg

PATIENCE = 60.0
"""Seconds from the wish to stop until the page offers to end a job at once."""
_START_SECONDS = 30.0


@dataclass(frozen=True)
class StudioJob:
    """A job as it is now."""

    files: JobFiles
    record: JobRecord
    state: JobState

    @property
    def may_end(self) -> bool:
        """Whether it was asked to stop long enough ago that it may be ended at once."""
        try:
            return self.state == "stopping" and time.time() - self.files.stop.stat().st_mtime >= PATIENCE
        except OSError:
            return False


class JobFolder:
    """The jobs of one folder of runs.

    Args:
        runs: The folder of all runs; jobs lie in ``.studio/jobs`` in it, commands work in its parent.
        own_locks: Let commands hold locks of their own only, as on Windows.
    """

    def __init__(self, runs: Path, *, own_locks: bool = False) -> None:
        self.runs, self._own_locks = runs, own_locks
        self.folder = runs / ".studio" / "jobs"
        self._over: dict[str, StudioJob] = {}

    def start(self, wanted: WantedJob) -> StudioJob:
        """Start a job's supervisor, and return when it holds its lock.

        Raises:
            TunesmithError: when it does not begin.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        files = JobFiles(self.folder.resolve(), new_id())
        words = [str(files.folder), files.id, wanted.device, wanted.run, *(["--locks", "own"] * self._own_locks)]
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "tunesmith.studio.jobs.supervisor", *words, "--", *wanted.argv],
            cwd=self.runs.resolve().parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **system.detached(),
        )
        give_up = time.monotonic() + _START_SECONDS
        while not files.record.exists():
            if supervisor.poll() is not None or time.monotonic() > give_up:
                raise TunesmithError(msg("the job could not be started"), where=str(self.folder))
            time.sleep(0.02)
        return self.job(files.id)

    def job(self, name: str) -> StudioJob:
        """A job by its id.

        Raises:
            TunesmithError: when there is none, or its record cannot be read.
        """
        if name in self._over:
            return self._over[name]
        files = JobFiles(self.folder, name)
        if not name.replace("-", "").isalnum() or not files.record.exists():
            raise NotThereError(msg("there is no job `{name}`", name=name[:80]))
        state = state_of(files, files.read())
        job = StudioJob(files, ended(files), state)
        if state not in UNFINISHED:
            self._over[name] = job
        return job

    def jobs(self) -> list[StudioJob]:
        """Every job whose record can be read, the newest first."""
        found = []
        for files in reversed(all_jobs(self.folder)):
            try:
                found.append(self.job(files.id))
            except TunesmithError:
                continue
        return found

    def stop(self, name: str, *, at_once: bool = False) -> StudioJob:
        """Ask a job to stop, or end it at once when it was asked to stop long ago.

        Raises:
            TunesmithError: when there is no such job, it is over, or it is too early to end it.
        """
        job = self.job(name)
        if job.state not in UNFINISHED:
            raise NotNowError(msg("this job is over"), where=name)
        if at_once and not job.may_end:
            raise NotNowError(
                msg("this job may not be ended at once yet"),
                where=name,
                remedy=msg("Ask it to stop first: it saves, which may take {seconds:.0f} s.", seconds=PATIENCE),
            )
        if at_once or not job.files.is_asked_to_stop():
            write_text(job.files.stop, "end\n" if at_once else "stop\n")
        return self.job(name)

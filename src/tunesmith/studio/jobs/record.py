"""The files of a job: ``<id>.json`` (what and when), ``.log``, ``.lock``, ``.work``, ``.stop`` and ``.exit``.

A supervisor must start in a fraction of a second, so the record is a plain dataclass and not a model of pydantic's.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from tunesmith.errors import TunesmithError
from tunesmith.files import DamagedFileError, read_json, write_json
from tunesmith.texts import msg

FORMAT = 1


@dataclass(frozen=True)
class JobRecord:
    """What is known of a job; its state is what :func:`tunesmith.studio.jobs.state.state_of` makes of it.

    Attributes:
        id: Its name; sorted by name, jobs are in the order in which they were asked for.
        device: The queue it waits in.
        verb: The command's verb.
        run: Name of the run; empty where the verb has none.
        argv: What follows ``tunesmith``.
        queued: When it was asked for, in seconds since 1970, as all times here.
        supervisor: Process id of its supervisor.
        started: When its command began.
        child: Process id of its command.
        stopping: When the command was asked to stop.
        ended: When it was over.
        code: The command's exit code; ``None`` where it never began.
    """

    id: str
    device: str
    verb: str
    run: str
    argv: tuple[str, ...]
    queued: float
    supervisor: int = 0
    started: float | None = None
    child: int | None = None
    stopping: float | None = None
    ended: float | None = None
    code: int | None = None

    @classmethod
    def from_json(cls, data: Any, where: Path) -> Self:
        """A record from its file's data.

        Raises:
            TunesmithError: when they are of a later version, or are no such record.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or not isinstance(data.get("argv"), list):
            raise DamagedFileError(msg("this is no record of a job"), where=str(where))
        if data.get("format") != FORMAT:
            raise TunesmithError(
                msg("this job was written by another version of Tunesmith"),
                where=str(where),
                remedy=msg("Update Tunesmith."),
            )
        try:
            return cls(**{key: value for key, value in data.items() if key in known} | {"argv": tuple(data["argv"])})
        except TypeError as error:
            raise DamagedFileError(msg("this is no record of a job"), where=str(where)) from error

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"format": FORMAT, **asdict(self), "argv": list(self.argv)}


@dataclass(frozen=True)
class JobFiles:
    """Where everything of one job lies."""

    folder: Path
    id: str

    @property
    def record(self) -> Path:
        """The record."""
        return self.folder / f"{self.id}.json"

    @property
    def log(self) -> Path:
        """What the command printed."""
        return self.folder / f"{self.id}.log"

    @property
    def lock(self) -> Path:
        """Held by the supervisor, and where the system allows by the command too."""
        return self.folder / f"{self.id}.lock"

    @property
    def work(self) -> Path:
        """Held by the command."""
        return self.folder / f"{self.id}.work"

    @property
    def stop(self) -> Path:
        """There when the job was asked to stop; holds ``end`` when it is to end at once."""
        return self.folder / f"{self.id}.stop"

    @property
    def exit(self) -> Path:
        """How the command ended, by its own account: the supervisor may be gone by then."""
        return self.folder / f"{self.id}.exit"

    def device_lock(self, device: str) -> Path:
        """Held while a job works on a device."""
        return self.folder.parent / f"device-{device.replace(':', '-')}.lock"

    def read(self) -> JobRecord:
        """The record.

        Raises:
            TunesmithError: when it cannot be read.
        """
        return JobRecord.from_json(read_json(self.record), self.record)

    def write(self, record: JobRecord) -> None:
        """Write the record, whole or not at all."""
        write_json(self.record, record.to_json())

    def is_asked_to_stop(self) -> bool:
        """Whether somebody asked for the end of the job."""
        return self.stop.exists()

    def is_to_end(self) -> bool:
        """Whether it is to end at once."""
        try:
            return self.stop.read_text(encoding="utf-8").strip() == "end"
        except OSError:
            return False


def new_id() -> str:
    """A name for a job: by time, with something that no other one asked for at the same moment has."""
    now = time.time()
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{int(now % 1 * 1e6):06d}-{secrets.token_hex(2)}"


def all_jobs(folder: Path) -> list[JobFiles]:
    """Every job, the oldest first."""
    return [JobFiles(folder, path.stem) for path in sorted(folder.glob("[0-9]*.json"))]

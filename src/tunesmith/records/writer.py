"""``.writer.json``: which command is writing into a run folder."""

from __future__ import annotations

from typing import ClassVar

from tunesmith.records.record import Record


class Writer(Record):
    """The command that holds a run folder's lock.

    Attributes:
        folder: The run folder, so that a copied record is known as one.
        host: Name of the machine.
        pid: Process id on that machine.
        command: What the user typed.
        since: When it began, local time.
    """

    FORMAT: ClassVar[int] = 1

    folder: str
    host: str
    pid: int
    command: str
    since: str

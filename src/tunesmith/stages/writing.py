"""Whatever writes into a run folder does it in here: alone, and after tidying up what a killed command left."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tunesmith.run.console import Console
from tunesmith.run.folder import RunFolder
from tunesmith.run.leftovers import sweep
from tunesmith.run.lock import run_lock
from tunesmith.texts import msg


@contextmanager
def writing(folder: RunFolder, command: str, console: Console | None = None) -> Iterator[None]:
    """Hold a run folder's lock for the length of the block; the processes of a distributed run share their first one's.

    Args:
        folder: The run; its folder is made.
        command: What the user typed, for whoever is refused meanwhile.
        console: Says that a dead command's lock was taken over, and what was put back.

    Raises:
        TunesmithError: when another command is writing into the run, or the folder cannot be written.
    """
    if not is_main():
        yield
        return
    folder.create()
    with run_lock(folder.path, command) as taken:
        if taken.outermost:
            console = console or Console()
            if left := taken.left:
                line = msg(
                    "`{command}` (PID {pid} on {host}, since {since}) was cut off; its lock is taken over",
                    command=left.command,
                    pid=str(left.pid),
                    host=left.host,
                    since=left.since,
                )
                console.log(line)
            for name in sweep(folder.path).restored:
                console.log(msg("{name} was being replaced when a command ended; it is put back", name=name))
        yield


def is_main() -> bool:
    """Whether this is the first (or only) process of a distributed run."""
    return os.environ.get("RANK", "0") == "0"

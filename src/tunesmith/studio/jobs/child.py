"""The command of a job: takes a lock of its own, becomes ``python -m tunesmith …``, writes down how that ended.

``python -m tunesmith.studio.jobs.child FOLDER ID -- VERB …``. Its supervisor may die: it then looks for the wish to
stop by itself.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tunesmith.files import write_json
from tunesmith.studio.jobs import system
from tunesmith.studio.jobs.record import JobFiles

ORPHANED, BROKEN = 75, 70
"""Exit codes: its supervisor died before it began; a bug."""
LOOK_SECONDS = 0.5


def main(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; returns its exit code."""
    folder, name, _, *argv = arguments
    files = JobFiles(Path(folder), name)
    if system.take(files.work) is None or not system.is_held(files.lock):
        return ORPHANED  # somebody else may work on the device already
    _keep_to_myself()
    system.obey()
    threading.Thread(target=_follow_wishes, args=(files, files.read().supervisor), daemon=True).start()
    code = _run(argv)
    write_json(files.exit, {"code": code, "ended": time.time()})
    return code


def _keep_to_myself() -> None:
    """Let no process that the command starts hold the locks after it."""
    for descriptor in range(3, 64):
        try:
            os.set_inheritable(descriptor, False)
        except OSError:
            continue


def _run(argv: Sequence[str]) -> int:
    sys.argv = ["tunesmith", *argv]
    try:
        runpy.run_module("tunesmith", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except KeyboardInterrupt:
        return 130
    except BaseException:
        import traceback

        traceback.print_exc()
        return BROKEN
    return 0


def _follow_wishes(files: JobFiles, supervisor: int) -> None:
    """Without a supervisor, look for the wish to stop, or to end at once."""
    asked = False
    while True:
        time.sleep(LOOK_SECONDS)
        if system.has_parent(supervisor, files.lock):
            continue
        if files.is_to_end():
            system.end_myself()
        if not asked and files.is_asked_to_stop():
            asked = True
            system.stop_myself()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

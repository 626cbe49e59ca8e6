"""What a command that was killed leaves in its run folder, and how the next one tidies up."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tunesmith.files import OLD, explain_os_error
from tunesmith.run.folder import ATTEMPTS, SHARDS

_FILE = re.compile(r"\.(?P<name>.+)\.[0-9a-z_]{8}(?P<suffix>\.[^.]+)")
_FOLDER = re.compile(
    r"\.(?P<name>best_model|final_model|step-\d+|generated|evaluation|adapter|merged|epoch=\d+-step=\d+_lora)"
    r"(?P<rest>\.[^.]+)"
)


@dataclass
class Swept:
    """What was done: names of what was put back, and how many unfinished files and folders were removed."""

    restored: list[str] = field(default_factory=list)
    removed: int = 0


def sweep(folder: Path) -> Swept:
    """Remove what interrupted writes left in a run folder, and put back a folder whose replacement never came.

    Only for the process that holds the run's lock: for any other one these are files that are being written.

    Raises:
        TunesmithError: when something cannot be removed.
    """
    swept = Swept()
    try:
        for place, folders, files in os.walk(folder):
            if Path(place) == folder:  # attempts are kept as they are, and shards are written by other processes
                folders[:] = [name for name in folders if name not in (ATTEMPTS, SHARDS)]
            for name in [*folders]:
                if _sweep_folder(Path(place) / name, swept):
                    folders.remove(name)
            for name in files:
                found = _FILE.fullmatch(name)
                if found and found["suffix"] == Path(found["name"]).suffix:
                    (Path(place) / name).unlink()
                    swept.removed += 1
    except OSError as error:
        raise explain_os_error(error, folder) from error
    return swept


def _sweep_folder(path: Path, swept: Swept) -> bool:
    """Whether a folder was a leftover: it is then gone, or stands in its place again."""
    found = _FOLDER.fullmatch(path.name)
    if found is None:
        return False
    if found["rest"] == OLD and not path.with_name(found["name"]).exists():
        os.replace(path, path.with_name(found["name"]))
        swept.restored.append(found["name"])
    else:
        shutil.rmtree(path)
        swept.removed += 1
    return True

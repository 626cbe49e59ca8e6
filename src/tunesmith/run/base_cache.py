"""Answers of base models to their own kind of prompts, kept for all of a user's runs: made once per model and prompts.

A folder of files named by a key of everything that they depend on. Whatever is missing, damaged or cannot be written
costs time and nothing else, so the folder may be emptied at any moment.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path, cache_home

VARIABLE = "TUNESMITH_BASE_STYLE"
"""Names another folder; ``off`` keeps nothing."""
MOST_FILES, MOST_BYTES = 64, 256 * 2**20
"""Beyond these the files that have not been used for longest go."""


def folder() -> Path | None:
    """Where they are kept: ``$TUNESMITH_BASE_STYLE``, else ``tunesmith/base_style`` in the user's cache."""
    given = os.environ.get(VARIABLE, "")
    if given == "off":
        return None
    return Path(given) if given else cache_home() / "base_style"


def take(key: str, to: Path) -> bool:
    """Copy what is kept under a key to a file of the caller's; whether there was anything."""
    kept = folder()
    if kept is None or not (source := kept / f"{key}.npz").exists():
        return False
    try:
        with atomic_path(to) as temporary:
            shutil.copyfile(source, temporary)
        os.utime(source)
    except (OSError, TunesmithError):
        return False
    return True


def give(key: str, made: Path) -> None:
    """Keep a copy of a file under a key, in place of any other, and let the oldest go where there are too many."""
    kept = folder()
    if kept is None:
        return
    try:
        with atomic_path(kept / f"{key}.npz") as temporary:
            shutil.copyfile(made, temporary)
        _prune(kept)
    except (OSError, TunesmithError):
        return


def _prune(kept: Path) -> None:
    found = sorted(((path.stat(), path) for path in kept.glob("*.npz")), key=lambda one: -one[0].st_mtime_ns)
    total = 0
    for count, (stat, path) in enumerate(found):
        total += stat.st_size
        if count and (count >= MOST_FILES or total > MOST_BYTES):  # the newest stays, whatever its size
            path.unlink(missing_ok=True)

"""Results of a stage that appear whole: an interruption leaves the round before in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunesmith.files import atomic_folder


@contextmanager
def new_round(folder: Path, own: Collection[str]) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``folder`` only if the block succeeds.

    Args:
        folder: Where the results lie.
        own: Names of what the round before wrote there; anything else is the user's and is taken along.

    Raises:
        TunesmithError: when the folder cannot be written or the disk is full; the round before stays.
    """
    with atomic_folder(folder) as temporary:
        yield temporary
        for path in folder.iterdir() if folder.is_dir() else ():
            target = temporary / path.name
            if path.name in own or target.exists():
                continue
            if path.is_dir():
                shutil.copytree(path, target, symlinks=True, copy_function=_link)
            else:
                _link(str(path), str(target))


def _link(source: str, target: str) -> None:
    """A second name for a file, or a copy where the file system has none."""
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, target, follow_symlinks=False)

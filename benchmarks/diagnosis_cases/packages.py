"""The Debian packages whose sound is used, and the programs that render more."""

from __future__ import annotations

import shutil
from pathlib import Path

from debian import unpacked

MUSIC = ("asc-music", "hyperrogue-music", "singularity-music", "wesnoth-1.16-music")
SPEECH = ("asterisk-core-sounds-en-wav", "asterisk-core-sounds-fr-wav")
LOOPS = "sonic-pi-samples"
SOUNDFONT = "timgm6mb-soundfont"


def files_of(name: str, cache: Path) -> Path:
    """The folder of a package's files, downloaded where it is not there.

    Raises:
        SystemExit: when the package is not in the cache and cannot be downloaded.
    """
    folder = unpacked(name, cache)
    if folder is None:
        raise SystemExit(f"{name} cannot be downloaded: put its .deb into {cache / 'packages'}.")
    return folder


def program(name: str) -> str:
    """The path of a program that renders material.

    Raises:
        SystemExit: when it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed: apt-get install -y --no-install-recommends {name}")
    return found

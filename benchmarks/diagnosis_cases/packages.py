"""Debian packages with sound in them, downloaded and unpacked into a cache folder: never installed, never committed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

MUSIC = ("asc-music", "hyperrogue-music", "singularity-music", "wesnoth-1.16-music")
SPEECH = ("asterisk-core-sounds-en-wav", "asterisk-core-sounds-fr-wav")
LOOPS = "sonic-pi-samples"
SOUNDFONT = "timgm6mb-soundfont"


def unpacked(name: str, cache: Path) -> Path:
    """The package's files.

    Args:
        name: Of a package in the machine's own sources.
        cache: Where packages are kept.

    Raises:
        SystemExit: when the package is not in the cache and cannot be downloaded.
    """
    folder = cache / name
    if folder.exists():
        return folder
    archives = cache / "packages"
    archives.mkdir(parents=True, exist_ok=True)
    if not list(archives.glob(f"{name}_*.deb")):
        tool = shutil.which("apt-get")
        if tool is None:
            raise SystemExit(
                f"{name} is not in {archives}, and there is no apt-get to download it: put its .deb there."
            )
        done = subprocess.run([tool, "download", name], cwd=archives, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} cannot be downloaded: {done.stderr.strip()}")
    partial = cache / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run(["dpkg", "-x", str(next(archives.glob(f"{name}_*.deb"))), str(partial)], check=True)
    partial.rename(folder)
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

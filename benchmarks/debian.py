"""Sound from Debian packages, downloaded and unpacked into a cache folder: never installed, never committed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def unpacked(name: str, cache: Path) -> Path | None:
    """The files of a package from the machine's own sources; ``None`` where it cannot be had.

    Args:
        name: Of the package.
        cache: Where packages are kept.
    """
    folder = cache / name
    if folder.exists():
        return folder
    archives = cache / "packages"
    archives.mkdir(parents=True, exist_ok=True)
    if not list(archives.glob(f"{name}_*.deb")):
        apt = shutil.which("apt-get")
        command = [str(apt), "download", name]
        if apt is None or subprocess.run(command, cwd=archives, capture_output=True, check=False).returncode:
            return None
    partial = cache / f"{name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    archive = next(archives.glob(f"{name}_*.deb"))
    if subprocess.run(["dpkg", "-x", str(archive), str(partial)], capture_output=True, check=False).returncode:
        return None
    archive.unlink()
    return partial.rename(folder)


def files_of(name: str, cache: Path, *patterns: str) -> list[Path]:
    """A package's files by these patterns, sorted; downloaded where it is not there.

    Raises:
        SystemExit: when the package is not in the cache and cannot be downloaded.
    """
    folder = unpacked(name, cache)
    if folder is None:
        raise SystemExit(f"{name} cannot be downloaded: put its .deb into {cache / 'packages'}.")
    found = {path for pattern in patterns for path in folder.rglob(pattern)}
    return sorted(path for path in found if path.is_file())


def program(name: str) -> str:
    """The path of a program that renders material.

    Raises:
        SystemExit: when it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not installed: apt-get install -y --no-install-recommends {name}")
    return found

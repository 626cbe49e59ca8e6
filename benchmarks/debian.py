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

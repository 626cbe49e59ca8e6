"""What a benchmark measured, as JSON with its machine and commit: ``benchmarks/results/NAME.json``.

A script tells each figure by :func:`measured` and ends with :func:`write_results`. A file holds one run for each set of
arguments; another run with the same ones takes its place. ``docs/benchmarks.md`` takes its tables from these files
(``make benchmark-tables``).
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tunesmith.files import read_json, write_json

FOLDER = Path(__file__).parent / "results"
FORMAT = 1
PACKAGES = ("torch", "transformers", "diffusers", "peft", "numpy")

_measured: dict[str, Any] = {}


def measured(**figures: Any) -> None:
    """Keep figures (JSON values, by name) for :func:`write_results`."""
    _measured.update(figures)


def write_results(script: str, arguments: Sequence[str] | None = None, folder: Path | None = None) -> Path:
    """Write what was measured since the last call; the run is named by the arguments that the script was given.

    ``BENCHMARK_RESULTS`` in the environment names another folder than ``results/``, for trying a script out.

    Args:
        script: ``__file__`` of the script.
        arguments: Those that name the run, where not all of them do (a work folder).
        folder: Where to write, where that is neither of the two.
    """
    path = (folder or Path(os.environ.get("BENCHMARK_RESULTS", FOLDER))) / f"{Path(script).stem}.json"
    runs = read_json(path)["runs"] if path.exists() else {}
    runs[shlex.join(sys.argv[1:] if arguments is None else arguments)] = {
        "recorded": datetime.now(UTC).strftime("%Y-%m-%d"),
        "commit": commit(),
        "machine": machine(),
        "figures": dict(_measured),
    }
    _measured.clear()
    write_json(path, {"format": FORMAT, "runs": dict(sorted(runs.items()))})
    return path


def commit() -> str:
    """The commit that was measured, with ``+`` where files had been changed since; empty outside a repository.

    ``BENCHMARK_COMMIT`` in the environment names it where only a copy of the files is at hand.
    """
    if named := os.environ.get("BENCHMARK_COMMIT"):
        return named

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def machine() -> dict[str, Any]:
    """Processor, cores, memory, accelerator and versions; nothing that names the computer."""
    import torch

    found = {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }
    if torch.cuda.is_available():
        found["accelerator"] = torch.cuda.get_device_name()
    return found | {name: _version(name) for name in PACKAGES}


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def load(folder: Path = FOLDER) -> dict[str, dict[str, Any]]:
    """The runs of every script: by script, then by arguments."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8"))["runs"] for path in sorted(folder.glob("*.json"))}

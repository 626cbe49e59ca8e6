"""Where a build keeps its unfinished work, and what every build writes beside its weights."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tunesmith.files import atomic_path, write_json, write_text


@contextmanager
def workplace(out: Path, *settings: int) -> Iterator[Path]:
    """A hidden folder beside ``out`` for unfinished work; after a failure, what is in it stays to be resumed.

    Args:
        out: The folder that the build makes.
        settings: What the unfinished work depends on; builds with other settings have a folder of their own.
    """
    work = out.with_name(f".{out.name}.building-{'-'.join(map(str, settings))}")
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield work
        for leftover in work.iterdir():
            leftover.unlink()
    finally:
        if not any(work.iterdir()):
            work.rmdir()


def keep(values: Any, path: Path) -> None:
    """Save tensors and plain values, complete or not at all."""
    import torch

    with atomic_path(path) as temporary:
        torch.save(values, temporary)


def peak_memory_mib() -> int:
    """The largest resident set of this process so far."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def folder_mb(folder: Path) -> float:
    """Size of all files in ``folder``."""
    return round(sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6, 2)


def write_numbers(folder: Path, numbers: dict[str, Any], page: str) -> None:
    """``numbers.json`` and, last of all, the page ``NUMBERS.md`` by which a folder is known to be whole."""
    write_json(folder / "numbers.json", numbers)
    write_text(folder / "NUMBERS.md", page)

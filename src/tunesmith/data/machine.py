"""What this process may use of the machine: cores and memory, by its affinity and its control group."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

_PROC, _GROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores that this process may use, a control group's quota of processor time counted too; at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, int(min(cores, _quota())))


def free_memory() -> float:
    """Bytes that this process can still take: what the machine has, or its control group; infinite where not known."""
    return min(_available(), _left_in_group())


def _quota() -> float:
    """Processors' worth of time that the control group may use."""
    limit, _, period = _text(_GROUPS / "cpu.max").partition(" ")
    if not period:  # version 1
        limit, period = _text(_GROUPS / "cpu/cpu.cfs_quota_us"), _text(_GROUPS / "cpu/cpu.cfs_period_us")
    whole = _number(limit)
    return whole / _number(period) if 0 < whole < math.inf and 0 < _number(period) < math.inf else math.inf


def _available() -> float:
    lines = _text(_PROC / "meminfo").splitlines()
    kib = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "")
    return _number(kib) * 1024


def _left_in_group() -> float:
    """What the control group may still take; what it holds of files can be given up, and does not count."""
    for limit, used, files in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
    ):
        most, taken = _number(_text(_GROUPS / limit)), _number(_text(_GROUPS / used))
        if most < math.inf and taken < math.inf:
            lines = (line.split() for line in _text((_GROUPS / limit).with_name("memory.stat")).splitlines())
            given_up = next((_number(line[1]) for line in lines if line[0] == files), 0.0)
            return max(0.0, most - taken + given_up)
    return math.inf


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _number(text: str) -> float:
    """A number of the kernel's; infinite for ``max`` and where there is none."""
    try:
        return float(text)
    except ValueError:
        return math.inf


def return_free_memory() -> None:
    """Let the system have what the C library keeps for later; it takes a moment, and other C libraries keep theirs."""
    import ctypes

    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)

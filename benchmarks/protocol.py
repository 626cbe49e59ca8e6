"""How every benchmark here measures: one thread, processor time, arms in turn, the best of N, a GEMM probe around it.

Processor time of the best round is stable on a shared machine where wall-clock time is not; running the arms in turn
lets a slow spell hit both. A run whose GEMM probe moved by more than 15 % between start and end says so.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")
os.environ.setdefault("PYTHONWARNINGS", "ignore")

import logging
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

logging.getLogger("transformers").setLevel(logging.ERROR)

PROBE_DRIFT = 0.15


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one call (this process, all its threads)."""
    start = time.process_time()
    work()
    return time.process_time() - start


def interleave(arms: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, list[float]]:
    """Processor seconds per arm and round: every arm once unmeasured, then all of them in turn."""
    for work in arms.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, work in arms.items():
            times[name].append(cpu_seconds(work))
    return times


def best(times: Mapping[str, list[float]]) -> dict[str, float]:
    """The fastest round of every arm."""
    return {name: min(values) for name, values in times.items()}


def spread(values: list[float]) -> float:
    """Coefficient of variation over rounds."""
    return statistics.pstdev(values) / statistics.mean(values)


def gemm_rate(rows: int = 1024, inner: int = 1024, columns: int = 1024, seconds: float = 0.5) -> float:
    """FLOP/s of an fp32 linear layer of this shape on one thread, the best of the calls that fit in ``seconds``."""
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(1)
    x, weight = torch.randn(rows, inner), torch.randn(columns, inner)
    fastest, stop = float("inf"), time.process_time() + seconds
    with torch.no_grad():
        while time.process_time() < stop:
            fastest = min(fastest, cpu_seconds(lambda: F.linear(x, weight)))
    return 2 * rows * inner * columns / fastest


@contextmanager
def probed() -> Iterator[None]:
    """Print the GEMM probe before and after a measurement, and whether the two agree."""
    before = gemm_rate()
    yield
    after = gemm_rate()
    moved = abs(after / before - 1)
    verdict = "ok" if moved <= PROBE_DRIFT else "the machine changed speed meanwhile: run it again"
    print(f"GEMM probe {before / 1e9:.1f} -> {after / 1e9:.1f} GFLOP/s ({moved:.0%} apart): {verdict}")


def own_precision() -> str:
    """``model.precision`` of a benchmark: what a GPU has, and fp32 on a CPU, where `auto` might take either."""
    import torch

    return "auto" if torch.cuda.is_available() else "fp32"


def peak_bytes() -> int:
    """The largest resident set of this process so far.

    The kernel's VmHWM where there is one: ``ru_maxrss`` of a started process begins at its parent's.
    """
    status = Path("/proc/self/status")
    if status.exists():
        return next(int(line.split()[1]) * 1024 for line in status.read_text().splitlines() if "VmHWM" in line)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def ratio_line(what: str, ratio: float, aim: float, *, at_least: bool = True) -> str:
    """One line: what was measured, the ratio, the aim and whether it is reached."""
    reached = ratio >= aim if at_least else ratio <= aim
    sign = "≥" if at_least else "≤"
    return f"{what}: {ratio:.3g} (aim {sign} {aim:g}: {'reached' if reached else 'NOT reached'})"

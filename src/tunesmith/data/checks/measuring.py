"""Measuring in worker processes: how many are worth their start, and what stands for a clip that they died of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tunesmith.data.checks.facts import ClipFacts
from tunesmith.data.checks.measure import Job, measure_clip
from tunesmith.data.workers import TRIES, WorkerDied, WorkersWanted, worker_count
from tunesmith.texts import msg

if TYPE_CHECKING:
    import numpy as np

START_SECONDS = 1.5
"""Processor seconds until a worker measures: an interpreter with NumPy, SciPy and the decoders."""
MEMORY_BYTES = 600e6
"""Of a worker: its libraries are 150 MB, and a clip of an hour, as its fingerprint is taken, 300 MB."""
EVERYTHING, PLAIN = 1 / 90, 1 / 800
"""Processor seconds per second of sound, with signals and fingerprint and without (``benchmarks/check_speed.py``)."""
_BYTES_PER_SECOND = {".wav": 176e3, ".aif": 176e3, ".aiff": 176e3, ".flac": 90e3}
_COMPRESSED = 24e3
"""Of files as they mostly are: CD quality, and 192 kbit/s."""


@contextmanager
def measuring() -> Iterator[Callable[[Job], tuple[ClipFacts, np.ndarray | None]]]:
    """What a worker opens."""
    yield measure_clip


def workers_for(jobs: Sequence[Job], wanted: WorkersWanted) -> int:
    """How many workers measure these; 1 stands for none beside this process."""
    seconds = 0.0
    if wanted == "auto":
        seconds = sum(job_seconds(job) for job in jobs)
    return worker_count(wanted, len(jobs), seconds, START_SECONDS, MEMORY_BYTES)


def job_seconds(job: Job) -> float:
    """Processor seconds that measuring a clip takes, by its span or by the size of its file, to a factor of two."""
    if job.ref.end is not None:
        sound = job.ref.end - job.ref.start
    else:
        path = Path(job.ref.path)
        try:
            size = path.stat().st_size
        except OSError:
            return 0.0
        sound = size / _BYTES_PER_SECOND.get(path.suffix.lower(), _COMPRESSED)
    return sound * (EVERYTHING if job.signals or job.fingerprint else PLAIN)


def killed(died: WorkerDied) -> ClipFacts:
    """Facts of a clip that no worker has survived."""
    reason = msg(
        "the process that measured it was ended from outside or crashed, {tries} times (exit code {code})",
        tries=TRIES,
        code=died.code,
    )
    remedy = msg("Convert it to WAV, or see with data.workers=1 what happens; more often there is too little memory.")
    return ClipFacts(problem="killed", reason=reason, remedy=remedy, decoded=False)

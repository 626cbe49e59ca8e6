"""What a worker of a test opens: measuring that the clip 1.wav does not survive."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tunesmith.data.checks.measure import Job, measure_clip


@contextmanager
def deadly() -> Iterator[Callable[[Job], Any]]:
    """As measuring does it, but for one clip."""

    def measure(job: Job) -> Any:
        if job.ref.path.endswith("1.wav"):
            os.kill(os.getpid(), signal.SIGKILL)
        return measure_clip(job)

    yield measure

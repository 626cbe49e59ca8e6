"""What a worker of a test opens: encoding that one clip does not survive."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tunesmith.stages.encode_clips import EncodingTask


class DeadlyTask(EncodingTask):
    """As encoding is done, but for one clip."""

    @contextmanager
    def __call__(self) -> Iterator[Callable[[list[Any]], list[Any]]]:
        """Load the encoders."""
        with super().__call__() as work:

            def encode(variants: list[Any]) -> list[Any]:
                if variants[0][0].id.endswith("example-003.wav"):
                    os.kill(os.getpid(), signal.SIGKILL)
                return work(variants)

            yield encode

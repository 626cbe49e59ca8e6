"""Sound that is read once from its beginning to its end, of which only a window is held at a time."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


class SoundStream:
    """Windows of a sound that comes block by block; each begins where the one before it began, or later.

    Args:
        blocks: float32 arrays (channels, frames), one behind the other; taken only as far as they are asked for.
    """

    def __init__(self, blocks: Iterable[np.ndarray]) -> None:
        self._left = iter(blocks)
        self._held: list[np.ndarray] = []
        self._begin = self._end = 0

    @property
    def decoded(self) -> int:
        """Samples that have been taken up so far; once the end was reached, the length of the sound."""
        return self._end

    def holds(self, samples: int) -> bool:
        """Whether the sound has at least so many samples; decodes up to there, and no further."""
        while self._end < samples:
            block = next(self._left, None)
            if block is None:
                return False
            self._held.append(block)
            self._end += block.shape[-1]
        return True

    def take(self, first: int, last: int | None = None) -> np.ndarray:
        """Samples ``first`` to ``last``, or to the end: float32 (channels, frames), fewer where the sound ends before.

        What lies before ``first`` is let go, and cannot be taken again.
        """
        if first < self._begin:
            raise ValueError(f"sample {first} was let go; what is held begins at {self._begin}")
        while last is None and self.holds(self._end + 1):
            pass
        if last is not None:
            self.holds(last)
        self._let_go(first)
        whole = self._held[0] if len(self._held) == 1 else np.concatenate(self._held, axis=-1)
        stop = self._end if last is None else min(last, self._end)
        return whole[..., first - self._begin : max(stop, first) - self._begin]

    def _let_go(self, first: int) -> None:
        while len(self._held) > 1 and self._begin + self._held[0].shape[-1] <= first:
            self._begin += self._held.pop(0).shape[-1]

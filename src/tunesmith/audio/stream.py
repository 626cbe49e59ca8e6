"""Sound that is read once from its beginning to its end, of which only a window is held at a time.

So are frames that are made of one: time is the last axis, and a sample stands for a frame too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np


class SoundStream:
    """Windows of a sound that comes block by block; each begins where the one before it began, or later.

    Args:
        blocks: float32 arrays (..., samples), one behind the other; taken only as far as they are asked for.
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
        """Samples ``first`` to ``last``, or to the end: float32 (..., samples), fewer where the sound ends before.

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

    def windows(self, size: int, context: int) -> Iterator[tuple[np.ndarray, slice]]:
        """All of a sound, ``size`` samples at a time.

        Args:
            size: Samples of a piece; the last one may be shorter.
            context: Samples on either side that are given with it, as far as there are any.

        Yields:
            The piece with its context (..., samples), and where in it the piece lies (its end is open in the last one).
        """
        start, is_last = 0, False
        while not is_last:
            is_last = not self.holds(start + size + 1)
            first = max(0, start - context)
            window = self.take(first, None if is_last else start + size + context)
            yield window, slice(start - first, None if is_last else start - first + size)
            start += size

    def _let_go(self, first: int) -> None:
        while len(self._held) > 1 and self._begin + self._held[0].shape[-1] <= first:
            self._begin += self._held.pop(0).shape[-1]


def at_rate(piece: slice, to_rate: int, from_rate: int) -> slice:
    """A piece of :meth:`SoundStream.windows` in what was made of its window at another rate; its bounds must divide."""
    stop = None if piece.stop is None else piece.stop * to_rate // from_rate
    return slice(piece.start * to_rate // from_rate, stop)

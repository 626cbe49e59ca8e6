"""A file as libsndfile should see it: ranges of the file on disk and a few bytes put in their place."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

Piece = bytes | tuple[int, int]
"""Bytes that take the place of those on disk, or a range ``start, stop`` of the file."""


class StitchedFile(io.RawIOBase):
    """A read-only file made of pieces, so that a header can be mended and a tag left out without a copy.

    Args:
        path: The file on disk.
        pieces: What it consists of, in order.
    """

    def __init__(self, path: Path, pieces: Sequence[Piece]) -> None:
        super().__init__()
        self._pieces = [piece for piece in pieces if _length(piece)]
        self._starts = [0, *accumulate(map(_length, self._pieces))]
        self._position = 0
        self._file = path.open("rb")

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def seekable(self) -> bool:
        """Any position can be reached."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a byte of the whole, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The byte that is read next."""
        return self._position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer, over as many pieces as that takes; returns the number of bytes."""
        view = memoryview(buffer).cast("B")
        done = 0
        while done < len(view) and self._position < self._starts[-1]:
            index = bisect_right(self._starts, self._position) - 1
            piece, inside = self._pieces[index], self._position - self._starts[index]
            count = min(len(view) - done, self._starts[index + 1] - self._position)
            if isinstance(piece, bytes):
                view[done : done + count] = piece[inside : inside + count]
            else:
                self._file.seek(piece[0] + inside)
                count = self._file.readinto(view[done : done + count])
                if not count:
                    break
            done += count
            self._position += count
        return done

    def close(self) -> None:
        """Close the file on disk."""
        self._file.close()
        super().close()


def _length(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1] - piece[0]

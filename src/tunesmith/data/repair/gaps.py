"""Samples that are not numbers: a line is drawn over short runs of them, and longer ones are given up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tunesmith.texts import Message, msg

LONGEST_GAP_S = 0.05
"""A longer run of samples that are not numbers is sound that is lost."""


class BeyondRepairError(Exception):
    """Nothing can bring back what is missing; ``reason`` says what that is."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason


def filled(pieces: Iterator[np.ndarray], sample_rate: int) -> Iterator[np.ndarray]:
    """Pieces of a sound with a straight line over each run of NaN or infinity; at the ends of the sound it is level.

    Args:
        pieces: float32 (channels, frames) in order.
        sample_rate: In Hz.

    Raises:
        BeyondRepairError: for a run of more than 50 ms, or a sound without any number.
    """
    longest = round(LONGEST_GAP_S * sample_rate)
    last: np.ndarray | None = None
    waiting: np.ndarray | None = None
    for piece in pieces:
        whole = piece if waiting is None else np.concatenate([waiting, piece], axis=1)
        good = np.flatnonzero(np.isfinite(whole).all(axis=0))
        count = int(good[-1]) + 1 if len(good) else 0
        waiting = whole[:, count:] if count < whole.shape[1] else None
        if waiting is not None and waiting.shape[1] > longest:
            raise _too_long(waiting.shape[1], sample_rate)
        if count:
            yield _over_gaps(whole[:, :count], last, longest, sample_rate)
            last = whole[:, count - 1]
    if waiting is not None:
        if last is None:
            raise _too_long(waiting.shape[1], sample_rate)
        yield np.repeat(last[:, None], waiting.shape[1], axis=1)


def _over_gaps(piece: np.ndarray, before: np.ndarray | None, longest: int, sample_rate: int) -> np.ndarray:
    """A piece that ends in numbers, with a line over each gap; ``before`` is the frame that precedes it."""
    wrong = ~np.isfinite(piece)
    if not wrong.any():
        return piece
    whole = piece.copy()
    for number, bad in enumerate(wrong):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
        runs = edges[1::2] - edges[::2]
        if runs.max(initial=0) > longest:
            raise _too_long(int(runs.max()), sample_rate)
        places = np.flatnonzero(~bad)
        values = whole[number, places]
        if before is not None:
            places, values = np.concatenate([[-1], places]), np.concatenate([before[number : number + 1], values])
        whole[number, bad] = np.interp(np.flatnonzero(bad), places, values)
    return whole


def _too_long(frames: int, sample_rate: int) -> BeyondRepairError:
    return BeyondRepairError(
        msg(
            "{seconds:.2f} s in a row are not numbers, over {limit:g} s: that sound is lost",
            seconds=frames / sample_rate,
            limit=LONGEST_GAP_S,
        )
    )

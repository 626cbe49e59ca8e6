"""Which outputs hold a stretch of a training clip: landmarks of both, each through the family's own codec.

Generated sound has been through the codec, so the clips have to go through it too: coded against raw sound shares no
landmark, coded against coded many. Both are fingerprinted window by window: within a whole clip only its loudest
places have landmarks, and those are others where the stretch lies among other music. Held-out clips tell what clips of
this kind share anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.fingerprint import RATE, FingerprintIndex, landmarks

Coded = tuple[str, NDArray[np.floating], int]
"""A clip's id, its sound (N, C) as the codec gives it back, and the sample rate in Hz."""
_WINDOW_S, _STEP_S = 4.0, 1.0
_TRAINING_WINDOW_S, _TRAINING_STEP_S = 6.0, 3.0  # every 3 s of a clip lie in one window
WINDOW_THRESHOLD = 0.12
"""Of a window of 4 s: unrelated music stays under 0.05, five seconds pasted into other music reach 0.14 to 0.83."""
_OVER_NULL = 1.5
_LEAST = 0.03


@dataclass(frozen=True)
class Copy:
    """An output that holds a stretch of a training clip.

    Attributes:
        output: Which output.
        clip: Which training clip.
        score: Share of the landmarks that agree, 0 to 1.
        at_s: Where it begins in the output.
        in_clip_s: Where it lies in the clip.
        limit: What the score was held against.
    """

    output: int
    clip: str
    score: float
    at_s: float
    in_clip_s: float
    limit: float


def find_copies(
    outputs: Sequence[tuple[NDArray[np.floating], int]], training: Sequence[Coded], held_out: Sequence[Coded]
) -> list[Copy]:
    """The outputs that hold a stretch of a training clip, at most one copy of each, the surest first.

    Args:
        outputs: Sound (N, C) and rate.
        training: Training clips through the codec.
        held_out: Clips that were not trained on, likewise; what they share with the training clips is no copying.
    """
    searched = _Searched(training)
    null = [searched.best(audio, rate) for _, audio, rate in held_out]
    usual = max((found[0] for found in null if found), default=0.0)
    limit = max(WINDOW_THRESHOLD, _OVER_NULL * usual)
    copies = []
    for number, (audio, rate) in enumerate(outputs):
        found = searched.best(audio, rate)
        if found is not None and found[0] > limit:
            copies.append(Copy(number, found[1], found[0], found[2], found[3], limit))
    return sorted(copies, key=lambda copy: -copy.score)


class _Searched:
    """Training clips by the landmarks of their windows."""

    def __init__(self, clips: Sequence[Coded]) -> None:
        self._index = FingerprintIndex()
        self._places: list[tuple[str, float]] = []
        for name, audio, rate in clips:
            for start, marks in _windows(audio, rate, _TRAINING_WINDOW_S, _TRAINING_STEP_S):
                self._index.add(str(len(self._places)), marks)
                self._places.append((name, start))

    def best(self, audio: NDArray[np.floating], rate: int) -> tuple[float, str, float, float] | None:
        """Score, clip, place in the output and place in the clip of the window that agrees most with any clip."""
        best = None
        for start, marks in _windows(audio, rate, _WINDOW_S, _STEP_S):
            match = self._index.query(marks, threshold=_LEAST) if len(marks) else None
            if match is not None and (best is None or match.score > best[0]):
                name, inside = self._places[int(match.key)]
                best = (match.score, name, start, inside + match.offset_s)
        return best


def _windows(
    audio: NDArray[np.floating], rate: int, window_s: float, step_s: float
) -> Iterator[tuple[float, NDArray[np.int64]]]:
    """Where each window begins, in seconds, and its landmarks; the last one reaches to the end."""
    import soxr

    mono = (audio.mean(axis=1) if audio.ndim == 2 else audio).astype(np.float32)
    mono = soxr.resample(mono, rate, RATE, quality="MQ") if rate != RATE and len(mono) else mono
    last = max(len(mono) / RATE - window_s, 0.0)
    for start in np.append(np.arange(0, last, step_s), last):
        first = round(start * RATE)
        yield float(start), landmarks(mono[first : first + round(window_s * RATE)], RATE)

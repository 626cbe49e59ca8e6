"""Which outputs hold a stretch of a training clip: landmarks of both, each through the family's own codec.

Generated sound has been through the codec, so the clips have to go through it too: coded against raw sound shares no
landmark, coded against coded most of them. Held-out clips tell what clips of this kind share anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.fingerprint import THRESHOLD, FingerprintIndex, landmarks

Coded = tuple[str, NDArray[np.floating], int]
"""A clip's id, its sound (N, C) as the codec gives it back, and the sample rate in Hz."""
_WINDOW_S, _STEP_S = 4.0, 2.0
WINDOW_THRESHOLD = 0.25
"""Of a window of 4 s: unrelated music stays under 0.1, four seconds pasted into other music reach 0.7."""
_OVER_NULL = 1.5


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
    index = FingerprintIndex()
    for name, audio, rate in training:
        index.add(name, landmarks(audio, rate))
    null = [_best(index, audio, rate) for _, audio, rate in held_out]
    usual = max((found[0] for found in null if found), default=0.0)
    copies = []
    for number, (audio, rate) in enumerate(outputs):
        found = _best(index, audio, rate)
        limit = max(WINDOW_THRESHOLD, _OVER_NULL * usual)
        if found is not None and found[0] > limit:
            copies.append(Copy(number, found[1], found[0], found[2], found[3], limit))
    return sorted(copies, key=lambda copy: -copy.score)


def _best(index: FingerprintIndex, audio: NDArray[np.floating], rate: int) -> tuple[float, str, float, float] | None:
    """Score, clip, place in the output and place in the clip of the window that agrees most with any clip."""
    marks, best = landmarks(audio, rate), None
    frame_s = 256 / 11_025
    seconds = len(audio) / rate
    for start in np.arange(0, max(seconds - _WINDOW_S, 0) + _STEP_S / 2, _STEP_S):
        times = marks[:, 1] * frame_s
        part = marks[(times >= start) & (times < start + _WINDOW_S)]
        match = index.query(part, threshold=THRESHOLD) if len(part) else None
        if match is not None and (best is None or match.score > best[0]):
            best = (match.score, match.key, float(start), float(start) + match.offset_s)
    return best

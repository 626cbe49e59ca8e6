"""Which outputs hold a stretch of a training clip: landmarks of both, each through the family's own codec.

Generated sound has been through the codec, so the clips have to go through it too: coded against raw sound shares no
landmark, coded against coded many. Both are fingerprinted window by window: within a whole clip only its loudest
places have landmarks, and those are others where the stretch lies among other music. Held-out clips tell what clips of
this kind share anyway.

Where the landmarks that agree are few, the waveforms decide at the places where they agree at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tunesmith.data.fingerprint import RATE, FingerprintIndex, landmarks
from tunesmith.evaluation.sound.aligned import likeness

Coded = tuple[str, NDArray[np.floating], int]
"""A clip's id, its sound (N, C) as the codec gives it back, and the sample rate in Hz."""
_WINDOW_S, _STEP_S = 4.0, 1.0
_TRAINING_WINDOW_S, _TRAINING_STEP_S = 6.0, 3.0  # every 3 s of a clip lie in one window
WINDOW_THRESHOLD = 0.12
"""Of a window of 4 s: unrelated music stays under 0.05, five seconds pasted into other music reach 0.14 to 0.83."""
_OVER_NULL = 1.5
_LEAST = 0.03
WAVEFORM_THRESHOLD = 0.4
"""Of a window of 4 s: unrelated music stays under 0.15, five seconds pasted and through Opus reach 0.64 to 0.94."""
_MARGIN_S = 0.1  # beside a stretch that is cut out of a clip
_PLACES = 3  # of a window, where its waveform is held against clips


@dataclass(frozen=True)
class Agreement:
    """Where a stretch of an output lies in a clip.

    Attributes:
        score: How far they agree, 0 to 1.
        clip: Which clip.
        at_s: Where it begins in the output.
        in_clip_s: Where it lies in the clip.
    """

    score: float
    clip: str
    at_s: float
    in_clip_s: float


@dataclass(frozen=True)
class Copy(Agreement):
    """An output that holds a stretch of a training clip.

    Attributes:
        output: Which output.
        limit: What the score was held against.
        by: What agrees: the share of the landmarks, or the correlation of the waveforms.
    """

    output: int
    limit: float
    by: Literal["landmarks", "waveform"]


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
    marks_limit, wave_limit = (
        max(threshold, _OVER_NULL * max((found[way].score for found in null), default=0.0))
        for way, threshold in ((0, WINDOW_THRESHOLD), (1, WAVEFORM_THRESHOLD))
    )
    copies = []
    for number, (audio, rate) in enumerate(outputs):
        marks, wave = searched.best(audio, rate)
        if marks.score > marks_limit:
            copies.append(Copy(**vars(marks), output=number, limit=marks_limit, by="landmarks"))
        elif wave.score > wave_limit:
            copies.append(Copy(**vars(wave), output=number, limit=wave_limit, by="waveform"))
    return sorted(copies, key=lambda copy: -copy.score / copy.limit)


_NOWHERE = Agreement(0.0, "", 0.0, 0.0)


class _Searched:
    """Training clips by the landmarks of their windows."""

    def __init__(self, clips: Sequence[Coded]) -> None:
        self._index = FingerprintIndex()
        self._places: list[tuple[int, float]] = []
        self._clips = clips
        for number, (_, audio, rate) in enumerate(clips):
            for start, _, marks in _windows(_mono(audio, rate), _TRAINING_WINDOW_S, _TRAINING_STEP_S):
                self._index.add(str(len(self._places)), marks)
                self._places.append((number, start))

    def best(self, audio: NDArray[np.floating], rate: int) -> tuple[Agreement, Agreement]:
        """The window that agrees most with any clip by its landmarks, and the one that does by its waveform."""
        by_marks = by_wave = _NOWHERE
        for start, sound, marks in _windows(_mono(audio, rate), _WINDOW_S, _STEP_S):
            match = self._index.query(marks, threshold=_LEAST) if len(marks) else None
            if match is not None and match.score > by_marks.score:
                number, inside = self._places[int(match.key)]
                by_marks = Agreement(match.score, self._clips[number][0], start, inside + match.offset_s)
            for key, offset_s in self._index.alignments(marks, _PLACES) if len(marks) else ():
                number, inside = self._places[int(key)]
                score = self._likeness(sound, number, inside + offset_s)
                if score > by_wave.score:
                    by_wave = Agreement(score, self._clips[number][0], start, inside + offset_s)
        return by_marks, by_wave

    def _likeness(self, sound: NDArray[np.floating], number: int, at_s: float) -> float:
        """The stretch of the clip is resampled as it is needed: all clips at once would take twice their memory."""
        _, audio, rate = self._clips[number]
        first = max(0, round((at_s - _MARGIN_S) * rate))
        last = round((at_s + len(sound) / RATE + _MARGIN_S) * rate)
        part = _mono(audio[first : max(first, last)], rate)
        return likeness(sound, part, at_s - first / rate, RATE)


def _mono(audio: NDArray[np.floating], rate: int) -> NDArray[np.float32]:
    import soxr

    mono = (audio.mean(axis=1) if audio.ndim == 2 else audio).astype(np.float32)
    return soxr.resample(mono, rate, RATE, quality="MQ") if rate != RATE and len(mono) else mono


def _windows(
    mono: NDArray[np.float32], window_s: float, step_s: float
) -> Iterator[tuple[float, NDArray[np.float32], NDArray[np.int32]]]:
    """Where each window begins, in seconds, its sound and its landmarks; the last one reaches to the end."""
    last = max(len(mono) / RATE - window_s, 0.0)
    for start in np.append(np.arange(0, last, step_s), last):
        first = round(start * RATE)
        sound = mono[first : first + round(window_s * RATE)]
        yield float(start), sound, landmarks(sound, RATE)

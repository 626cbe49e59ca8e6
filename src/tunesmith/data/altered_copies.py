"""Which clips are altered copies: pitched, sped up or both, which equal landmarks do not show.

Landmarks of a copy that is ``pitch`` times as high and ``speed`` times as fast are those of the original with their
frequencies multiplied and their times divided. Every pair of clips, pitch and speed would be too many to try, so pairs
are chosen first: by how alike the histograms of the pitches of their peaks are, one shifted against the other. For N
clips that is one product of an (N, 160) matrix with its shifted transpose for each pitch; a bounded number of pairs for
each clip is then compared landmark by landmark. 10,000 clips take about 3 minutes on one core.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SEMITONE = 2 ** (1 / 12)
_PITCHES = (_SEMITONE**-2, 1 / _SEMITONE, 0.97, 0.98, 0.99, 1.0, 1.01, 1.02, 1.03, _SEMITONE, _SEMITONE**2)
_SPEEDS = (0.9, 0.93, 0.95, 0.97, 1.03, 1.05, 1.07, 1.1)  # of a copy at its own pitch
THRESHOLD = 0.15
"""Unrelated music, cuts of one track among it, scores 0.06 at most; pitched and sped-up copies 0.29 and more."""
_STEPS_PER_OCTAVE = 24
_LOWEST_BIN, _HIGHEST_BIN = 4, 400
_CANDIDATES = 8
_LEAST_ALIKE = 0.5
_MOST_MARKS = 300
_FEWEST_MARKS = 40
_ROWS = 512  # clips compared at once


@dataclass(frozen=True)
class AlteredCopy:
    """A clip that is another one, changed.

    Attributes:
        first: The earlier clip.
        second: The later one.
        score: Share of the later one's landmarks that agree with the earlier's, 0…1.
        pitch: How many times as high the later one is.
        speed: How many times as fast.
    """

    first: str
    second: str
    score: float
    pitch: float
    speed: float


def altered_copies(
    marks_by_key: Mapping[str, NDArray[np.integer]], threshold: float = THRESHOLD
) -> Iterator[AlteredCopy]:
    """Finds pitched and sped-up copies; of every clip the best match among those before it.

    Args:
        marks_by_key: (M, 2) landmarks by name, from :func:`~tunesmith.data.fingerprint.landmarks`.
        threshold: Least score.
    """
    keys = [key for key, marks in marks_by_key.items() if len(marks) >= _FEWEST_MARKS]
    if len(keys) < 2:
        return
    unpacked = [_unpacked(marks_by_key[key]) for key in keys]
    profiles = np.stack([_profile(marks) for marks in unpacked])
    tables = _Tables(unpacked)
    for number, candidates in _candidates(profiles):
        best: AlteredCopy | None = None
        for other, pitch in candidates:
            for speed in (1.0, pitch) if pitch != 1.0 else _SPEEDS:
                score = tables.score(number, other, pitch, speed)
                if score > max(threshold, best.score if best else 0.0):
                    best = AlteredCopy(keys[other], keys[number], score, pitch, speed)
        if best is not None:
            yield best


def _unpacked(marks: NDArray[np.integer]) -> NDArray[np.int64]:
    """(M, 4): first and second bin, frames between them, frame of the first."""
    code, frames = marks.astype(np.int64).T
    return np.stack([code >> 18, (code >> 8) & 1023, code & 255, frames], axis=1)


def _profile(marks: NDArray[np.int64]) -> NDArray[np.float32]:
    """How often each pitch is a peak, in quarter tones, smoothed; unit length without its mean."""
    size = math.ceil(_STEPS_PER_OCTAVE * math.log2(_HIGHEST_BIN / _LOWEST_BIN))
    counts = np.bincount(marks[:, 0], minlength=_HIGHEST_BIN + 1)[_LOWEST_BIN : _HIGHEST_BIN + 1]
    profile = np.zeros(size + 1)
    for shift in (-0.25, 0.0, 0.25):  # a peak lies anywhere within its bin
        bins = np.arange(_LOWEST_BIN, _HIGHEST_BIN + 1) + shift
        at = np.clip(_STEPS_PER_OCTAVE * np.log2(bins / _LOWEST_BIN), 0, size - 1e-6)
        low = at.astype(int)
        np.add.at(profile, low, counts * (1 - (at - low)))
        np.add.at(profile, low + 1, counts * (at - low))
    smooth = np.sqrt(np.convolve(profile, [0.25, 0.5, 0.25], "same"))
    centred = smooth - smooth.mean()
    unit: NDArray[np.float32] = (centred / (np.linalg.norm(centred) + 1e-9)).astype(np.float32)
    return unit


def _candidates(profiles: NDArray[np.float32]) -> Iterator[tuple[int, list[tuple[int, float]]]]:
    """For each clip the earlier ones, each with a pitch, whose shifted profiles are most like its own."""
    shifted = [_shifted(profiles, _STEPS_PER_OCTAVE * math.log2(pitch)) for pitch in _PITCHES]
    for start in range(0, len(profiles), _ROWS):
        rows = profiles[start : start + _ROWS]
        likeness = np.stack([rows @ other[: start + len(rows)].T for other in shifted])  # (pitches, rows, earlier)
        for number in range(max(1, start), start + len(rows)):
            here = likeness[:, number - start, :number].ravel()
            chosen = np.flatnonzero(here > _LEAST_ALIKE)  # few of many, which are the ones worth partitioning
            if len(chosen) > _CANDIDATES:
                chosen = chosen[np.argpartition(-here[chosen], _CANDIDATES - 1)[:_CANDIDATES]]
            yield number, [(int(each % number), _PITCHES[each // number]) for each in chosen]


def _shifted(profiles: NDArray[np.float32], steps: float) -> NDArray[np.float32]:
    """Profiles moved up by so many steps, in fractions too."""
    whole = math.floor(steps)
    part = steps - whole
    moved: NDArray[np.float32] = (1 - part) * _rolled(profiles, whole) + part * _rolled(profiles, whole + 1)
    return moved.astype(np.float32)


def _rolled(profiles: NDArray[np.float32], steps: int) -> NDArray[np.float32]:
    moved = np.zeros_like(profiles)
    if steps >= 0:
        moved[:, steps:] = profiles[:, : profiles.shape[1] - steps]
    else:
        moved[:, :steps] = profiles[:, -steps:]
    return moved


class _Tables:
    """The landmarks of all clips, each sorted by its hash when it is first compared."""

    def __init__(self, unpacked: Sequence[NDArray[np.int64]]) -> None:
        self._unpacked = unpacked
        self._sorted: dict[int, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def score(self, number: int, other: int, pitch: float, speed: float) -> float:
        """Share of a clip's landmarks that agree with another's on one offset in time, less the next best offset's."""
        marks = self._unpacked[number]
        marks = marks[np.linspace(0, len(marks) - 1, min(_MOST_MARKS, len(marks))).astype(int)]
        first, second = (np.rint(marks[:, column] / pitch).astype(np.int64) for column in (0, 1))
        apart, frames = np.rint(marks[:, 2] * speed).astype(np.int64), np.rint(marks[:, 3] * speed).astype(np.int64)
        near = np.array([(a << 18) + (b << 8) + c for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)])
        wanted = (((first << 18) + (second << 8) + apart)[:, None] + near).ravel()
        hashes, times = self._table(other)
        low, high = np.searchsorted(hashes, wanted, "left"), np.searchsorted(hashes, wanted, "right")
        count = high - low
        where = np.repeat(low - (np.cumsum(count) - count), count) + np.arange(int(count.sum()))
        owner = np.repeat(np.arange(len(wanted)) // len(near), count)
        offsets = times[where] - frames[owner]
        return _agreement(owner, offsets, len(marks))

    def _table(self, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        if number not in self._sorted:
            marks = self._unpacked[number]
            code = (marks[:, 0] << 18) + (marks[:, 1] << 8) + marks[:, 2]
            order = np.argsort(code, kind="stable")
            self._sorted[number] = code[order], marks[order, 3]
        return self._sorted[number]


def _agreement(owner: NDArray[np.int64], offsets: NDArray[np.int64], count: int) -> float:
    """Landmarks with a hit on the best offset (and those two frames beside it), less the next best, of all."""
    if len(offsets) == 0:
        return 0.0
    pairs = np.unique(np.stack([offsets, owner], axis=1), axis=0)
    base = int(pairs[:, 0].min())
    votes = np.bincount(pairs[:, 0] - base).astype(float)
    near = np.convolve(votes, np.ones(5), "same")[: len(votes)] if len(votes) >= 5 else votes
    best = int(near.argmax())
    agreeing = len(np.unique(pairs[np.abs(pairs[:, 0] - base - best) <= 2, 1]))
    away = np.abs(np.arange(len(votes)) - best) > 6
    second = float(near[away].max()) if away.any() else 0.0
    return (agreeing - min(second, agreeing)) / count

"""Which clips hold the same recording: landmark fingerprints, from arithmetic alone.

Source: Wang, "An industrial-strength audio search algorithm" (ISMIR 2003): pairs of spectral peaks as hashes, and
copies found as many hashes that agree on one time offset.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 11_025
# Unrelated beats of one tempo, kit and key score up to 0.09; synthesised pieces over it repeat each other's notes.
THRESHOLD = 0.1
_WINDOW, _HOP = 1024, 256
_LOW_BIN, _HIGH_BIN = 4, 400
_PEAKS_PER_S, _FAN_OUT = 25, 6
_NEAREST, _FURTHEST, _WIDEST = 2, 40, 80  # frames ahead, bins apart
_CHUNK_S = 120  # long tracks are analysed in pieces, so that memory stays bounded
_FRAME_S = _HOP / RATE
_FRAMES_PER_S = RATE // _HOP
_FEWEST_HASHES, _FEWEST_SECONDS = 20, 3  # one shared drum hit is no copy
_SAME_OFFSET = 4
_PLAIN_COPY = 0.5  # an exact loop agrees with its own copy on many offsets, so nothing is deducted from here on
_MOST_HITS = 200_000


def landmarks(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.int32]:
    """Takes the fingerprint of one clip.

    Args:
        audio: (N,) or (N, C), any level; NaN counts as silence.
        sample_rate: In Hz.

    Returns:
        (M, 2): hash and frame (23 ms each), by time; about 130 a second for music, none for silence.
    """
    mono = _prepare(np.asarray(audio), sample_rate)
    parts = [np.zeros((0, 2), np.int32)]
    size = _CHUNK_S * RATE // _HOP * _HOP
    for start in range(0, len(mono), size):
        marks = _hashes(*_peaks(mono[start : start + size + _WINDOW]))
        marks[:, 1] += start // _HOP
        parts.append(marks.astype(np.int32))
    return np.concatenate(parts)


def _prepare(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float32]:
    import soxr

    mono = audio.mean(axis=1) if audio.ndim == 2 else audio
    mono = np.nan_to_num(mono.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    if sample_rate != RATE and len(mono):
        mono = soxr.resample(mono, sample_rate, RATE, quality="MQ")
    return mono / (float(np.sqrt(np.mean(np.square(mono)))) + 1e-9) if len(mono) else mono


def _peaks(mono: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Bins and frames of the loudest local maxima, at most 25 a second, by time."""
    from scipy.fft import rfft
    from scipy.ndimage import maximum_filter

    none = np.zeros(0, np.int64)
    if len(mono) < _WINDOW:
        return none, none
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(mono, _WINDOW)[::_HOP] * (2 * window / window.sum())
    level = np.log(np.abs(rfft(frames, axis=1)[:, _LOW_BIN:_HIGH_BIN]) / 2 + 1e-4)
    level -= level.mean(axis=0) / 2
    peak = (maximum_filter(level, size=(9, 17)) == level) & (level > np.median(level))
    times, bins = np.nonzero(peak)
    loudest = np.argsort(-level[times, bins], kind="stable")[: int(_PEAKS_PER_S * len(mono) / RATE)]
    loudest = loudest[np.lexsort((bins[loudest], times[loudest]))]
    return bins[loudest].astype(np.int64), times[loudest].astype(np.int64)


def _hashes(bins: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each peak with the next six in reach: (first bin, second bin, frames between) in one integer, and its frame."""
    pair_counts = np.zeros(len(bins), np.int64)
    parts = [np.zeros((0, 2), np.int64)]
    for ahead in range(1, len(bins)):
        first, second = slice(0, len(bins) - ahead), slice(ahead, len(bins))
        apart = times[second] - times[first]
        if apart.min() > _FURTHEST:
            break
        near = (apart >= _NEAREST) & (apart <= _FURTHEST) & (np.abs(bins[second] - bins[first]) <= _WIDEST)
        chosen = np.flatnonzero(near & (pair_counts[first] < _FAN_OUT))
        pair_counts[chosen] += 1
        code = (bins[chosen] << 18) | (bins[chosen + ahead] << 8) | apart[chosen]
        parts.append(np.stack([code, times[chosen]], axis=1))
    marks = np.concatenate(parts)
    return marks[np.argsort(marks[:, 1], kind="stable")]


@dataclass(frozen=True)
class Match:
    """A clip in the index that shares sound with the query.

    Attributes:
        key: The clip's key.
        score: Share of the query's hashes that agree on one offset, less those that agree on the next best one, because
            music that repeats agrees with itself and its like on many; without that deduction from 0.5 on. Identical 1,
            a 5 s crop about 0.5, MP3 0.4-0.7, noise 10 dB down 0.1-0.6.
        offset_s: Where the query's start lies in that clip, in seconds.
    """

    key: str
    score: float
    offset_s: float


@dataclass(frozen=True)
class _Table:
    """All hashes of the index, sorted, with the clip and the frame of each."""

    hashes: NDArray[np.int64]
    clips: NDArray[np.int32]
    times: NDArray[np.int32]


class FingerprintIndex:
    """Finds copies among thousands of clips; the table is one sorted array, built at the first query.

    Memory is 16 bytes a hash beside the landmarks: about 250 MB for 10,000 clips of 12 s.
    """

    def __init__(self) -> None:
        self._keys: list[str] = []
        self._marks: list[NDArray[np.int64]] = []
        self._table: _Table | None = None

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: str, marks: NDArray[np.integer]) -> None:
        """Adds one clip.

        Args:
            key: Any name; it comes back in matches.
            marks: (M, 2) from :func:`landmarks`.
        """
        self._keys.append(key)
        self._marks.append(np.asarray(marks, np.int64).reshape(-1, 2))
        self._table = None

    def query(self, marks: NDArray[np.integer], skip: str | None = None, threshold: float = THRESHOLD) -> Match | None:
        """The clip that shares most sound with the query.

        Args:
            marks: (M, 2) from :func:`landmarks`.
            skip: A key that does not count: the query's own, when it is in the index.
            threshold: Least score.

        Returns:
            The best match, or ``None``.
        """
        found = self.matches(marks, skip, threshold)
        return found[0] if found else None

    def matches(self, marks: NDArray[np.integer], skip: str | None = None, threshold: float = THRESHOLD) -> list[Match]:
        """Every clip that shares sound with the query, best first; arguments as for :meth:`query`."""
        if self._table is None:
            self._table = self._build()
        clips, offsets, seconds, used = _hits(self._table, np.asarray(marks, np.int64).reshape(-1, 2))
        if skip is not None and skip in self._keys:
            keep = clips != self._keys.index(skip)
            clips, offsets, seconds = clips[keep], offsets[keep], seconds[keep]
        covered = len(np.unique(marks[:, 1] // _FRAMES_PER_S)) if len(marks) else 0
        found = []
        for clip, offset, best, second in _alignments(clips, offsets):
            share, other = best / used, second / used
            score = share if share >= _PLAIN_COPY else share - other
            if score <= threshold:
                continue
            agreeing = (clips == clip) & (np.abs(offsets - offset) <= 1)
            if len(np.unique(seconds[agreeing])) >= min(_FEWEST_SECONDS, covered):
                found.append(Match(self._keys[clip], min(1.0, score), offset * _FRAME_S))
        return sorted(found, key=lambda match: -match.score)

    def alignments(self, marks: NDArray[np.integer], most: int) -> list[tuple[str, float]]:
        """Where the query may lie, the likeliest first, what agrees on many offsets among them.

        Args:
            marks: (M, 2) from :func:`landmarks`.
            most: How many at most.

        Returns:
            (key, where the query's start lies in that clip, in seconds).
        """
        if self._table is None:
            self._table = self._build()
        clips, offsets, _, _ = _hits(self._table, np.asarray(marks, np.int64).reshape(-1, 2))
        found = sorted(_alignments(clips, offsets), key=lambda each: -each[2])[:most]
        return [(self._keys[clip], offset * _FRAME_S) for clip, offset, _, _ in found]

    def _build(self) -> _Table:
        marks = np.concatenate([np.zeros((0, 2), np.int64), *self._marks])
        clips = np.repeat(np.arange(len(self._marks), dtype=np.int32), list(map(len, self._marks)))
        order = np.argsort(marks[:, 0])
        return _Table(marks[order, 0], clips[order], marks[order, 1].astype(np.int32))


def near_duplicates(
    marks_by_key: Mapping[str, NDArray[np.integer]], threshold: float = THRESHOLD
) -> list[tuple[str, str, float]]:
    """Every pair of clips that share a recording, of a clip with more than 64 copies the likeliest.

    Only pairs that may be copies are compared (:func:`tunesmith.data.shared_peaks.likely_copies`).

    Args:
        marks_by_key: Landmarks by name.
        threshold: Least score of a pair, the better of its two directions.

    Returns:
        (first, second, score), in the mapping's order within a pair, best pair first.
    """
    from tunesmith.data.shared_peaks import likely_copies

    keys = list(marks_by_key)
    best: dict[tuple[int, int], float] = {}
    for number, partners in likely_copies(list(marks_by_key.values())):
        index = FingerprintIndex()
        for partner in partners:
            index.add(str(partner), marks_by_key[keys[partner]])
        for match in index.matches(marks_by_key[keys[number]], threshold=threshold):
            first, second = sorted((number, int(match.key)))
            best[first, second] = max(match.score, best.get((first, second), 0.0))
    found = ((keys[first], keys[second], score) for (first, second), score in best.items())
    return sorted(found, key=lambda pair: -pair[2])


def _hits(
    table: _Table, marks: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], int]:
    """Clip, offset and the query's second of every equal hash, and how many of the query's hashes were looked up.

    Where there are too many, the commonest hashes are left out; among equally common ones, evenly over time.
    """
    order = np.argsort(marks[:, 0])
    marks = marks[order]  # a search for sorted values is much faster
    low = np.searchsorted(table.hashes, marks[:, 0], side="left")
    count = np.searchsorted(table.hashes, marks[:, 0], side="right") - low
    times = marks[:, 1]
    if count.sum() > _MOST_HITS:
        rarest = np.lexsort((order * 0x9E3779B1 % 0x100000000, count))
        chosen = rarest[np.cumsum(count[rarest]) <= _MOST_HITS]
        low, count, times = low[chosen], count[chosen], times[chosen]
    before = np.cumsum(count) - count
    where = np.repeat(low - before, count) + np.arange(int(count.sum()))
    query_times = np.repeat(times, count)
    offsets = table.times[where] - query_times
    return table.clips[where].astype(np.int64), offsets, query_times // _FRAMES_PER_S, max(1, len(times))


def _alignments(clips: NDArray[np.int64], offsets: NDArray[np.int64]) -> Iterator[tuple[int, int, int, int]]:
    """For each clip with enough agreeing hashes: clip, best offset, hashes on it, hashes on the best other offset."""
    if len(clips) == 0:
        return
    shift, stride = int(offsets.min()) - 1, int(np.ptp(offsets)) + 3
    codes, counts = np.unique(clips * stride + offsets - shift, return_counts=True)
    smooth = counts.copy()  # an offset between two frames spreads its hashes over both
    for step in (-1, 1):
        at = np.searchsorted(codes, codes + step)
        neighbour = (at < len(codes)) & (codes[np.minimum(at, len(codes) - 1)] == codes + step)
        smooth[neighbour] += counts[at[neighbour]]
    owner = codes // stride
    starts = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    ends = np.r_[starts[1:], len(codes)]
    for group in np.flatnonzero(np.maximum.reduceat(smooth, starts) >= _FEWEST_HASHES):
        part = slice(starts[group], ends[group])
        best = int(smooth[part].argmax())
        other = np.abs(codes[part] - codes[part][best]) > _SAME_OFFSET
        second = int(smooth[part][other].max()) if other.any() else 0
        offset = int(codes[part][best] % stride) + shift
        yield int(owner[part][best]), offset, int(smooth[part][best]), second

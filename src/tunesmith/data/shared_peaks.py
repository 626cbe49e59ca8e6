"""Which clips may be copies of each other, so that only these are compared landmark by landmark.

A landmark is a pair of spectral peaks, and among a hundred thousand clips any pair is common. Three peaks, an anchor
and two of those it is paired with, are rare: clips that share several of them share sound. All of them are sorted once,
and runs of one triple say which clips have it. Time and memory grow with the number of clips and not with its square:
where there are too many triples, those with the lowest hashes stand for all, the same ones in every clip.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]
_CODE_BITS, _ANCHOR_SHIFT, _FRAME_BITS = 27, 18, 26
"""A landmark's hash is (first bin, second bin, frames between) in 9, 10 and 8 bits."""
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)
_BLOCK = 512  # clips whose triples are taken at once
_ROWS = 1 << 21  # rows of the table that are compared at once
_MOST_TRIPLES = 32_000_000  # 256 MB
_MOST_PAIRS = 32_000_000
_NEIGHBOURS = 64  # of a triple that many clips share, each clip is held against so many clips before it
_LEAST_SHARED, _LEAST_SHARE = 2, 0.01
"""Of the triples of the clip that has fewer. Over 500 pairs of real copies the least was 0.017."""
_CLEAR_SHARE = 0.05
_MOST_PARTNERS, _MOST_UNCLEAR = 64, 3
_PER_LANDMARK = 2.0  # triples, in music


def likely_copies(clips: Sequence[NDArray[np.integer]]) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """Pairs clips that share triples of peaks.

    Args:
        clips: (M, 2) landmarks of every clip, from :func:`~tunesmith.data.fingerprint.landmarks`.

    Yields:
        A clip's number and those of the clips that it may be a copy of, or they of it, at most 64, those that share
        most first; where few are clear, the three that share most. Only clips that have any.
    """
    table, counts = _table(clips)
    if not len(table):
        return
    pairs, shared = _pairs(table)
    del table
    first, second = (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)
    share = shared / np.minimum(counts[first], counts[second])
    likely = (shared >= _LEAST_SHARED) & (share >= _LEAST_SHARE)
    first, second, share = first[likely], second[likely], share[likely]
    one, other, share = np.r_[first, second], np.r_[second, first], np.r_[share, share]
    order = np.lexsort((other, -share, one))
    one, other, share = one[order], other[order], share[order]
    starts = np.flatnonzero(one != np.r_[-1, one[:-1]])
    for start, end in zip(starts, [*starts[1:], len(one)], strict=len(one) > 0):
        clear = int(np.count_nonzero(share[start:end] >= _CLEAR_SHARE))
        yield int(one[start]), other[start : start + min(end - start, max(clear, _MOST_UNCLEAR), _MOST_PARTNERS)]


def _table(clips: Sequence[NDArray[np.integer]]) -> tuple[Words, NDArray[np.int64]]:
    """Every triple once a clip, as its hash (32 bits) and the clip's number, sorted; and how many each clip has."""
    expected = _PER_LANDMARK * sum(map(len, clips))
    limit = np.uint64(int(min(1.0, _MOST_TRIPLES / max(1.0, expected)) * (1 << 32)))
    parts, counts = [np.zeros(0, np.uint64)], np.zeros(len(clips), np.int64)
    for start in range(0, len(clips), _BLOCK):
        found = _triples(clips[start : start + _BLOCK], limit) + np.uint64(start)
        counts[start : start + _BLOCK] = np.bincount((found & _LOW).astype(np.int64) - start, minlength=_BLOCK)[
            : len(clips) - start
        ]
        parts.append(found)
    table = np.concatenate(parts)
    table.sort()
    return table, counts


def _triples(clips: Sequence[NDArray[np.integer]], limit: np.uint64) -> Words:
    """Distinct triples of a few clips, those with a hash below the limit: hash and number within the block."""
    marks = np.concatenate([np.zeros((0, 2), np.int64), *clips])
    numbers = np.repeat(np.arange(len(clips), dtype=np.uint64), list(map(len, clips)))
    words = numbers << np.uint64(_CODE_BITS + _FRAME_BITS)
    words |= (marks[:, 1].astype(np.uint64) << np.uint64(_CODE_BITS)) | marks[:, 0].astype(np.uint64)
    words.sort()
    anchors = words >> np.uint64(_ANCHOR_SHIFT)
    parts = [np.zeros(0, np.uint64)]
    for ahead in range(1, len(words)):
        at = np.flatnonzero(anchors[ahead:] == anchors[:-ahead])
        if not len(at):
            break
        whole = words[at] & np.uint64((1 << _CODE_BITS) - 1)
        hashes = _mixed(whole << np.uint64(_ANCHOR_SHIFT) | (words[at + ahead] & np.uint64((1 << _ANCHOR_SHIFT) - 1)))
        kept = hashes < limit
        parts.append((hashes[kept] << _HALF) | (words[at[kept]] >> np.uint64(_CODE_BITS + _FRAME_BITS)))
    return _distinct(np.concatenate(parts))


def _mixed(words: Words) -> Words:
    """32 bits of every word, scattered evenly."""
    words = words * np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(29)
    words *= np.uint64(0xBF58476D1CE4E5B9)
    return words >> _HALF


def _distinct(words: Words) -> Words:
    words.sort()
    return words[np.r_[True, words[1:] != words[:-1]]] if len(words) else words


def _pairs(table: Words) -> tuple[Words, NDArray[np.int64]]:
    """Pairs of clips, the lower number in the upper half, and how many triples each shares; pairs of one are left out.

    Of the triples that most clips share, each clip meets only the one before it.
    """
    sizes = np.zeros(1, np.int64)
    for rows in _whole_runs(table):
        found = np.bincount(_run_lengths(rows))
        sizes = np.pad(sizes, (0, max(0, len(found) - len(sizes))))
        sizes[: len(found)] += found
    size = np.arange(len(sizes))
    met = np.minimum(size, _NEIGHBOURS) * (size - (np.minimum(size, _NEIGHBOURS) + 1) / 2)
    common = int(np.searchsorted(np.cumsum(sizes * np.maximum(met, 0)), _MOST_PAIRS, side="right"))
    parts = [np.zeros(0, np.uint64)]
    for rows in _whole_runs(table):
        parts += _pairs_of(rows, common)
    pairs = np.concatenate(parts)
    del parts
    pairs.sort()
    again = pairs[1:] == pairs[:-1]
    pairs = pairs[np.r_[False, again] | np.r_[again, False]] if len(pairs) else pairs
    starts = np.flatnonzero(np.r_[len(pairs) > 0, pairs[1:] != pairs[:-1]])
    return pairs[starts], np.diff(np.r_[starts, len(pairs)])


def _whole_runs(table: Words) -> Iterator[Words]:
    """The table in pieces that part no run of one triple."""
    start = 0
    while start < len(table):
        end = min(len(table), start + _ROWS)
        if end < len(table):
            end = int(np.searchsorted(table, (table[end] >> _HALF) << _HALF))
            if end <= start:  # one run is longer than a piece
                end = int(np.searchsorted(table, table[start] | _LOW, side="right"))
        yield table[start:end]
        start = end


def _run_lengths(rows: Words) -> NDArray[np.int64]:
    hashes = rows >> _HALF
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]])
    lengths: NDArray[np.int64] = np.diff(np.r_[starts, len(rows)])
    return lengths


def _pairs_of(rows: Words, common: int) -> list[Words]:
    """The pairs of clips of every run: of runs shorter than ``common`` of all neighbours, of longer ones the next."""
    lengths = _run_lengths(rows)
    is_rare = np.repeat(lengths < common, lengths)
    hashes, parts = rows >> _HALF, []
    for ahead in range(1, min(_NEIGHBOURS + 1, len(rows))):
        same = hashes[ahead:] == hashes[:-ahead]
        at = np.flatnonzero(same if ahead == 1 else same & is_rare[:-ahead])
        if not len(at) and ahead > 1:
            break
        parts.append(((rows[at] & _LOW) << _HALF) | (rows[at + ahead] & _LOW))
    return parts

"""Which clips sound alike: identical samples, fingerprints that agree, or that agree at another pitch or speed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING

from tunesmith.data.checks.context import CheckedClip
from tunesmith.data.checks.survey import MeasuredClip, span_of
from tunesmith.data.sample import AudioRef

if TYPE_CHECKING:
    import numpy as np

    from tunesmith.data.altered_copies import AlteredCopy


def near_duplicates(
    clips: Sequence[CheckedClip], measured: Mapping[AudioRef, MeasuredClip], threshold: float
) -> Iterator[tuple[str, str, float]]:
    """Pairs of clips with identical sound (score 1) or like fingerprints, the earlier clip first."""
    order = {clip.sample.id: number for number, clip in enumerate(clips)}
    content = {clip.sample.id: clip.content for clip in clips}
    identical = list(_identical(clips))
    yield from identical
    marks, owners = _landmarks(_without_copies(clips, identical), measured)
    if len(marks) < 2:
        return
    from tunesmith.data.fingerprint import near_duplicates

    best: dict[tuple[str, str], float] = {}
    for first, second, score in near_duplicates(marks, threshold=threshold):
        pair = tuple(sorted((owners[first], owners[second]), key=order.__getitem__))
        if pair[0] != pair[1] and not (content[pair[0]] and content[pair[0]] == content[pair[1]]):
            best[pair[0], pair[1]] = max(score, best.get((pair[0], pair[1]), 0.0))
    yield from ((first, second, score) for (first, second), score in sorted(best.items()))


def altered_copies(
    clips: Sequence[CheckedClip],
    measured: Mapping[AudioRef, MeasuredClip],
    similar: Sequence[tuple[str, str, float]],
    threshold: float,
) -> Iterator[AlteredCopy]:
    """Pairs of clips of which one is the other at another pitch or speed; pairs that are alike as they are left out."""
    marks, owners = _landmarks(_without_copies(clips, _identical(clips)), measured)
    if len(marks) < 2:
        return
    from tunesmith.data.altered_copies import altered_copies

    known = {frozenset(pair[:2]) for pair in similar}
    for copy in altered_copies(marks, threshold):
        first, second = owners[copy.first], owners[copy.second]
        if first != second and frozenset((first, second)) not in known:
            yield replace(copy, first=first, second=second)


def _without_copies(clips: Sequence[CheckedClip], identical: Iterable[tuple[str, str, float]]) -> list[CheckedClip]:
    """Clips without those that hold the sound of an earlier one of their split, which stands for them."""
    splits = {clip.sample.id: clip.sample.split or "train" for clip in clips}
    copies = {later for earlier, later, _ in identical if splits[earlier] == splits[later]}
    return [clip for clip in clips if clip.sample.id not in copies]


def _landmarks(
    clips: Sequence[CheckedClip], measured: Mapping[AudioRef, MeasuredClip]
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Landmarks of every target that has some, by a name of their own, and the clip of each name."""
    marks, owners = {}, {}
    for clip in clips:
        for role, ref in clip.sample.targets.items():
            found = measured[span_of(ref)][1]
            if found is not None and len(found):
                marks[f"{clip.sample.id}\x1f{role}"] = found
                owners[f"{clip.sample.id}\x1f{role}"] = clip.sample.id
    return marks, owners


def _identical(clips: Sequence[CheckedClip]) -> Iterator[tuple[str, str, float]]:
    """The first clip of each sound and split against every later one, and each split's first against the other's."""
    groups: dict[tuple[tuple[str, str], ...], dict[str, list[str]]] = {}
    for clip in clips:
        if clip.content:
            groups.setdefault(clip.content, {}).setdefault(clip.sample.split or "train", []).append(clip.sample.id)
    for group in groups.values():
        for same in group.values():
            yield from ((same[0], later, 1.0) for later in same[1:])
        for first, second in combinations(group.values(), 2):
            yield first[0], second[0], 1.0

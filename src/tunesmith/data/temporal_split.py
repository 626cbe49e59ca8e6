"""Held-out parts from within tracks, for sets with too few tracks to hold a whole one out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from tunesmith.data.sample import AudioRef, Sample, Split

SHORTEST_HELD_OUT = 5.0
"""Seconds; over less, a loss says more about the cut than about the music."""


def held_out_spans(
    samples: Sequence[Sample], similar: Collection[str], share: float, fewest: int, gap: float
) -> list[Sample] | None:
    """Cut ends off tracks, longest first, until ``share`` of the sound and ``fewest`` parts are held out.

    Tracks of several clips give their last clip, and the clip before it loses its last ``gap`` seconds. Tracks of one
    clip give their last tenth (5 s or more) if they last at least three times that and the gap. Clips that sound like
    another are left whole, since their other copy would be trained on.

    Args:
        samples: With durations.
        similar: Ids of clips that sound like another.
        share: Share of the whole length to hold out.
        fewest: At least this many parts, where there are as many tracks.
        gap: Seconds left unused before each held-out part.

    Returns:
        All samples with their split, held-out spans added right after their track; ``None`` when no track can be cut.
    """
    tracks: dict[str, list[Sample]] = defaultdict(list)
    for sample in samples:
        tracks[sample.source or sample.id].append(sample)
    wanted = share * sum(map(_seconds, samples))
    parts: dict[str, tuple[Sample, ...]] = {}
    held_seconds, count = 0.0, 0
    for track in sorted(tracks.values(), key=lambda track: (-sum(map(_seconds, track)), track[0].id)):
        if held_seconds >= wanted and count >= fewest:
            break
        cut = _cut(sorted(track, key=_natural), share, gap, similar)
        parts.update(cut)
        valid = [_seconds(part) for pieces in cut.values() for part in pieces if part.split == "valid"]
        held_seconds, count = held_seconds + sum(valid), count + len(valid)
    if not count:
        return None
    return [part for sample in samples for part in parts.get(sample.id, (sample.with_split("train"),))]


def _cut(track: Sequence[Sample], share: float, gap: float, similar: Collection[str]) -> dict[str, tuple[Sample, ...]]:
    """What becomes of the clips of one track that change; nothing where it cannot be cut."""
    if any(sample.id in similar or len(sample.audios) != 1 for sample in track):
        return {}
    if len(track) == 1:
        return _cut_clip(track[0], share, gap)
    *_, before, last = track
    room = _seconds(before) - gap
    if _seconds(last) < SHORTEST_HELD_OUT or room < SHORTEST_HELD_OUT:
        return {}
    return {before.id: (_span(before, 0.0, room, "train"),), last.id: (last.with_split("valid"),)}


def _cut_clip(sample: Sample, share: float, gap: float) -> dict[str, tuple[Sample, ...]]:
    seconds = _seconds(sample)
    held = max(share * seconds, SHORTEST_HELD_OUT)
    if seconds < 3 * (held + gap):
        return {}
    valid = _span(sample, seconds - held, seconds, "valid")
    ref = next(iter(valid.audios.values()))
    named = replace(valid, id=f"{sample.id}@{ref.start:.1f}-{ref.end:.1f}s", repeats=1)
    return {sample.id: (_span(sample, 0.0, seconds - held - gap, "train"), named)}


def _span(sample: Sample, start: float, end: float, split: Split) -> Sample:
    """The part ``start``..``end`` (seconds from the sample's own start) of a sample with one audio."""
    ((role, ref),) = sample.audios.items()
    begin = round(ref.start + start, 3)
    part = AudioRef(ref.path, begin, round(ref.start + end, 3), round(end - start, 3))
    return replace(sample, audios={role: part}, split=split)


def _seconds(sample: Sample) -> float:
    return max((ref.duration or 0.0 for ref in sample.audios.values()), default=0.0)


def _natural(sample: Sample) -> tuple[list[tuple[int, str]], str]:
    """Order in which the cuts of a track follow each other: numbers by value, ``part 2`` before ``part 10``."""
    parts = re.split(r"(\d+)", sample.id)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], sample.id

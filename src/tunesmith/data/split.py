"""Hold clips out of training, by track and never by clip, so that held-out loss means something.

Clips of one source, and clips that sound alike, are one unit and stay on one side. With fewer than six units there is
no track to spare, and the held-out part is cut from within tracks, with a gap so that no echo or reverb crosses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tunesmith.data.item_rng import key_of
from tunesmith.data.sample import Sample
from tunesmith.data.temporal_split import held_out_spans
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

FEWEST_SOURCES = 6
"""Under this many units, holding a whole one out would cost too much of the music."""

SplitKind = Literal["given", "by_source", "within_track", "none"]


@dataclass(frozen=True)
class SplitResult:
    """Samples that all have a split, how it came about, and notes for the user.

    ``given``: the user's own; ``by_source``: whole tracks; ``within_track``: ends of tracks; ``none``: all are trained
    on, and nothing can tell learning from memorising.
    """

    samples: list[Sample]
    notes: list[Message]
    kind: SplitKind


def split(
    samples: Sequence[Sample],
    *,
    valid_share: float = 0.1,
    min_valid: int = 2,
    seed: int = 0,
    similar: Iterable[tuple[str, str]] = (),
    gap_seconds: float = 2.0,
    cut: bool = True,
) -> SplitResult:
    """Assign every sample to train or valid; the same input gives the same split.

    Args:
        samples: Kept samples, their durations known.
        valid_share: Share of clips to hold out (0..1); 0 holds none out.
        min_valid: At least this many clips.
        seed: Which tracks are held out.
        similar: Pairs of ids that sound alike.
        gap_seconds: Sound left unused between the trained and the held-out part of one track.
        cut: Whether a part of a clip may be held out; not where its text says what is spoken in the whole of it.

    Raises:
        TunesmithError: when the user's own split holds everything out.
    """
    samples = list(samples)
    if any(sample.split == "valid" for sample in samples):
        return _given(samples)
    if not samples or valid_share <= 0:
        asked = msg("Nothing is held out, as asked.")
        return _none(samples, asked if samples else msg("Nothing can be held out: there is no usable clip."))
    pairs = list(similar)
    units = linked(samples, pairs)
    target = min(max(min_valid, round(valid_share * len(samples)), 1), len(samples))
    if len(units) >= FEWEST_SOURCES:
        return _by_source(samples, units, (min_valid, target), seed)
    if not cut:
        why = msg(
            "No held-out part: {units} clips or groups of clips are too few to spare one. Held-out loss cannot be "
            "told; add clips, or hold some out yourself.",
            units=len(units),
        )
        return _none(samples, why)
    parted = held_out_spans(samples, {i for pair in pairs for i in pair}, valid_share, min_valid, gap_seconds)
    if parted is None:
        why = msg(
            "No held-out part: {tracks} tracks are too few to spare one, and none is long enough to cut from. Held-out "
            "loss cannot be told.",
            tracks=len(units),
        )
        return _none(samples, why)
    count = sum(sample.split == "valid" for sample in parted)
    note = msg(
        "Only {tracks} tracks: {parts} held-out parts are cut from their ends, after a gap of {seconds:g} s.",
        tracks=len(units),
        parts=count,
        seconds=gap_seconds,
    )
    return SplitResult(parted, [note], "within_track")


def _given(samples: list[Sample]) -> SplitResult:
    assigned = [sample if sample.split else sample.with_split("train") for sample in samples]
    valid = sum(sample.split == "valid" for sample in assigned)
    if valid == len(assigned):
        raise TunesmithError(
            msg("all {valid} clips are held out, none is left to train on", valid=valid),
            remedy=msg("Put clips in train/."),
        )
    note = msg("Your own split is kept: {train} train, {valid} held out.", train=len(assigned) - valid, valid=valid)
    return SplitResult(assigned, [note], "given")


def _none(samples: list[Sample], why: Message) -> SplitResult:
    return SplitResult([sample.with_split("train") for sample in samples], [why], "none")


def linked(samples: Sequence[Sample], similar: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Ids that must stay together: connected by a common source or by sounding alike (union-find)."""
    parent = {sample.id: sample.id for sample in samples}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first_of_source: dict[str, str] = {}
    links = [(first_of_source.setdefault(s.source or s.id, s.id), s.id) for s in samples]
    links += [(a, b) for a, b in similar if a in parent and b in parent]
    for clip, other in links:
        parent[root(other)] = root(clip)
    units: dict[str, list[str]] = {}
    for sample in samples:
        units.setdefault(root(sample.id), []).append(sample.id)
    return list(units.values())


def _by_source(samples: list[Sample], units: list[list[str]], wanted: tuple[int, int], seed: int) -> SplitResult:
    """Hold out whole units in an order drawn from the seed, passing over those that would overshoot by half.

    ``wanted`` is the least and the aimed-at number of clips; where only large units are left, the smallest make up
    the least number.
    """
    fewest, target = wanted
    order = sorted(units, key=lambda unit: key_of(seed, "split", *sorted(unit)))
    held_out: set[str] = set()
    for unit in order:
        if len(held_out) < target and len(held_out) + len(unit) <= max(target + 1, 1.5 * target):
            held_out.update(unit)
    for unit in sorted(order, key=len):
        if len(held_out) < max(1, fewest):
            held_out.update(unit)
    assigned = [sample.with_split("valid" if sample.id in held_out else "train") for sample in samples]
    tracks = sum(unit[0] in held_out for unit in units)
    note = msg(
        "{held} of {clips} clips ({held_tracks} of {tracks} tracks) are held out.",
        held=len(held_out),
        clips=len(samples),
        held_tracks=tracks,
        tracks=len(units),
    )
    return SplitResult(assigned, [note], "by_source")

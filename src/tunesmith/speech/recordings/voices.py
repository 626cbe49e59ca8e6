"""Whether the clips of one speaker have one voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.sample import speaker
from tunesmith.records.findings import Finding
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.speaker_vector import MFCC_NAME, OwnSpread, VoiceVector
from tunesmith.texts import Message, msg

_FEWEST_CLIPS = 4
_QUIETEST_DB = -32.0
"""A floor under this is that of a clean recording."""
_LEAST_LIKE = 8
"""One of so many may be less like than what is nearly the least like."""


def odd_voices(context: CheckContext, heard: Mapping[str, SpokenFacts], voice: VoiceVector) -> Iterator[Finding]:
    """Warning for clips whose voice is unlike that of most clips of their speaker.

    Args:
        context: The clips.
        heard: Their speaker vectors.
        voice: What made these, with its limits; that of the recipe goes before them.
    """
    groups: dict[str, dict[str, SpokenFacts]] = defaultdict(dict)
    for clip in context.clips:
        facts = heard.get(clip.sample.id)
        if facts is not None and facts.voice:
            groups[speaker(clip.sample)][clip.sample.id] = facts
    given = context.limits.voice_likeness
    limit, spread = (voice.odd_under, voice.spread) if given is None else (given, None)
    for name, known in groups.items():
        for clip_id, value, under in _odd_ones(known, limit, spread, voice.floor_within_db):
            yield _finding(clip_id, name, known[clip_id].voice_name, value, under)


def _odd_ones(
    known: Mapping[str, SpokenFacts], limit: float, spread: OwnSpread | None, within_db: float | None
) -> Iterator[tuple[str, float, float]]:
    """Clips that are unlike most of those whose noise is about as loud: each with its likeness and its limit.

    Noise is told by whole dB, so that clips are compared a few times over and not once for each.
    """
    clips = list(known)
    vectors = np.array([facts.voice for facts in known.values()])
    spoken = np.array([facts.spoken for facts in known.values()])
    floors = np.array([round(max(facts.floor_db, _QUIETEST_DB)) if within_db else 0 for facts in known.values()])
    for floor in np.unique(floors):
        beside = np.flatnonzero(np.abs(floors - floor) <= (within_db or 0))
        if len(beside) < _FEWEST_CLIPS:
            continue
        values = likeness_to_most(vectors[beside], limit)
        limits = (
            np.full(len(beside), limit)
            if spread is None
            else limits_by_spread(vectors[beside], spoken[beside], values, limit, spread)
        )
        for index, value, under in zip(beside, values, limits, strict=True):
            if floors[index] == floor and value < under:
                yield clips[index], float(value), float(under)


def limits_by_spread(
    vectors: np.ndarray, spoken: np.ndarray, values: np.ndarray, limit: float, spread: OwnSpread
) -> np.ndarray:
    """The likeness under which each clip is another voice, by how far the speaker's other clips are apart.

    Args:
        vectors: (N, D) speaker vectors.
        spoken: (N,) seconds of speech.
        values: (N,) likeness of each clip to most of them, by :func:`likeness_to_most`.
        limit: No limit is over this.
        spread: How far a clip must lie under the rest.

    Returns:
        (N,) limits; minus infinity where nothing can be told.
    """
    unit = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-12)
    limits = np.full(len(values), -np.inf)
    for index in np.flatnonzero((values < limit) & (spoken >= spread.least_s)):
        likeness = unit @ unit[index]
        rest = ~((likeness > values) & (likeness > spread.same))
        rest[index] = False
        others = np.sort(values[rest])
        if len(others) < max(_FEWEST_CLIPS - 1, len(values) // 3):
            continue
        low = others[len(others) // _LEAST_LIKE]
        wide = 1 + 10 * max(0.0, spread.usual - float(np.median(others)))
        short = max(1.0, spread.long_s / float(spoken[index]))
        if low >= spread.told_from:
            limits[index] = min(limit, low - spread.gap * wide * short * (1 + spread.few / len(others)))
    return limits


def likeness_to_most(vectors: np.ndarray, limit: float) -> np.ndarray:
    """How like each clip's voice is to the mean of the largest group of clips that sound alike.

    Args:
        vectors: (N, D) speaker vectors.
        limit: Clips this like the middlemost one are its group.

    Returns:
        (N,) cosines, each without the clip's own part in the mean.
    """
    unit = vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-12)
    likeness = unit @ unit.T
    group = likeness[int((likeness > limit).sum(axis=1).argmax())] > limit
    total = unit[group].sum(axis=0)
    others = total[None] - unit * group[:, None]
    size = np.linalg.norm(others, axis=1)
    result: np.ndarray = np.where(size > 1e-9, (unit * others).sum(axis=1) / np.maximum(size, 1e-9), 1.0)
    return result


def _finding(clip: str, name: str, by: str, value: float, limit: float) -> Finding:
    known = {"value": value, "limit": limit, "by": _means(by)}
    return Finding(
        check="second_voice",
        level="warn",
        clip=clip,
        message=msg(
            "another voice than in most clips of {speaker}: likeness {value:.2f}, under {limit:.2f} (by {by})",
            speaker=name,
            **known,
        )
        if name
        else msg(
            "another voice than in most clips: likeness {value:.2f}, under {limit:.2f} (by {by}); no speaker is named",
            **known,
        ),
        value=value,
        limit=limit,
        unit="",
        remedy=msg(
            "Give each speaker a name (`speaker_id`), or remove the clip: what has one name is learnt as one voice."
        ),
    )


def _means(by: str) -> Message | str:
    return msg("the timbre of voice and microphone") if by == MFCC_NAME else by

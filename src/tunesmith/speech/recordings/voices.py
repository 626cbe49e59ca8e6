"""Whether the clips of one speaker have one voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.sample import speaker
from tunesmith.records.findings import Finding
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.speaker_vector import MFCC_NAME, VoiceVector
from tunesmith.texts import Message, msg

_FEWEST_CLIPS = 4
_LITTLE_S, _QUIETEST_DB = 2.5, -32.0
"""Less speech is little; a floor under this is that of a clean recording."""


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
    usual = _usual_limit(context, voice)
    for name, known in groups.items():
        for clip_id, value in _likenesses(known, voice.floor_within_db, usual):
            limit = _limit(context, known[clip_id], voice)
            if value < limit:
                yield _finding(clip_id, name, known[clip_id].voice_name, value, limit)


def _likenesses(known: Mapping[str, SpokenFacts], within_db: float | None, limit: float) -> Iterator[tuple[str, float]]:
    """How like each clip is to most of those whose noise is about as loud; of clips that have too few beside them none.

    Noise is told by whole dB, so that clips are compared a few times over and not once for each.
    """
    clips = list(known)
    vectors = np.array([facts.voice for facts in known.values()])
    floors = np.array([round(max(facts.floor_db, _QUIETEST_DB)) if within_db else 0 for facts in known.values()])
    for floor in np.unique(floors):
        beside = np.flatnonzero(np.abs(floors - floor) <= (within_db or 0))
        if len(beside) < _FEWEST_CLIPS:
            continue
        for index, value in zip(beside, likeness_to_most(vectors[beside], limit), strict=True):
            if floors[index] == floor:
                yield clips[index], float(value)


def _usual_limit(context: CheckContext, voice: VoiceVector) -> float:
    given = context.limits.voice_likeness
    return voice.odd_under if given is None else given


def _limit(context: CheckContext, facts: SpokenFacts, voice: VoiceVector) -> float:
    if voice.short_odd_under is None or context.limits.voice_likeness is not None or facts.spoken >= _LITTLE_S:
        return _usual_limit(context, voice)
    return voice.short_odd_under


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

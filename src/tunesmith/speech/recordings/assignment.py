"""Whether the texts of a set belong to its recordings at all: whether longer texts are longer recordings."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from tunesmith.data.checks.context import CheckContext
from tunesmith.data.sample import speaker
from tunesmith.records.findings import Finding
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.syllables import syllables
from tunesmith.texts import Message, msg

_FEWEST_CLIPS = 16
_LEAST_SPREAD = 0.2
"""Standard deviation of the logarithm of the lengths; texts of one length fit anywhere."""
_BY_CHANCE = 2.33
"""Rank correlation times √(N-1) that one shuffle in a hundred exceeds; 16 clips with their own texts have 2.7."""
_SHIFTS = (-3, -2, -1, 1, 2, 3)
_SHIFTED = 0.7
"""Rank correlation of a list whose lines have slipped, once they are moved back; own texts have 0.9."""


def assignments(context: CheckContext, heard: Mapping[str, SpokenFacts]) -> Iterator[Finding]:
    """Warning about the set where lengths of texts and recordings have no more to do with each other than by chance."""
    groups: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for clip in context.clips:
        facts, count = heard.get(clip.sample.id), syllables(clip.sample.texts.get("caption", ""))
        if facts is not None and facts.spoken > 0 and count:
            groups[speaker(clip.sample)].append((count, facts.spoken))
    for name, pairs in groups.items():
        texts, sounds = np.log(np.array(pairs, float)).T
        if len(pairs) < _FEWEST_CLIPS or min(texts.std(), sounds.std()) < _LEAST_SPREAD:
            continue
        limit = _BY_CHANCE / math.sqrt(len(pairs) - 1)
        value = rank_correlation(texts, sounds)
        if value < limit:
            yield _finding(name, len(pairs), value, limit, _shift(texts, sounds))


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's: 1 where both have one order, 0 where neither tells of the other."""
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(first), rankdata(second))[0, 1])


def _shift(texts: np.ndarray, sounds: np.ndarray) -> int:
    """By how many places the texts have slipped; 0 where that is not what is wrong."""
    fits = {shift: rank_correlation(np.roll(texts, -shift), sounds) for shift in _SHIFTS}
    best = max(fits, key=fits.__getitem__)
    return best if fits[best] > _SHIFTED else 0


def _finding(name: str, clips: int, value: float, limit: float, shift: int) -> Finding:
    known = {"clips": clips, "value": value, "limit": limit}
    return Finding(
        check="transcript",
        level="warn",
        clip="*",
        message=_says(known, name, shift),
        value=value,
        limit=limit,
        unit="",
        remedy=msg("Compare some clips with their texts; a list that was sorted anew, or lost a line, does this."),
    )


def _says(known: dict[str, float], name: str, shift: int) -> Message:
    if shift:
        return msg(
            "the texts of {clips} clips have slipped by {places}: their lengths do not go with those of the "
            "recordings (rank correlation {value:.2f}, by chance up to {limit:.2f}), and once moved back they do",
            places=abs(shift),
            **known,
        )
    if name:
        return msg(
            "the texts of {clips} clips of {speaker} seem to belong to other clips: their lengths do not go with "
            "those of the recordings (rank correlation {value:.2f}, by chance up to {limit:.2f})",
            speaker=name,
            **known,
        )
    return msg(
        "the texts of {clips} clips seem to belong to other clips: their lengths do not go with those of the "
        "recordings (rank correlation {value:.2f}, by chance up to {limit:.2f})",
        **known,
    )

"""What the data check and the rule ``voice_lost`` say of recordings of one voice, and of others among them."""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ears_cases.heard import Heard
from tunesmith.data.checks.context import CheckContext, CheckedClip
from tunesmith.data.checks.limits import CheckLimits
from tunesmith.data.sample import AudioRef, Sample
from tunesmith.evaluation.diagnosis.voice_lost import LOUDEST_FLOOR_DB
from tunesmith.speech.recordings.facts import SpokenFacts
from tunesmith.speech.recordings.voices import odd_voices
from tunesmith.speech.speaker_vector import LEAST_SPOKEN_S, VoiceVector, mean_voice, own_limit, similarity

SMALL, OWN, OTHERS, MANY = 8, 16, 6, 8
"""Clips of a small set; of one beside :data:`MANY` of another voice; how many of each other voice are tried."""
_SPEAKER_CLIPS = 8
_NOT_OTHERS = ({"English", "Spanish"},)
"""Their packages do not say whether one person speaks both; GE2E puts them at 0.90."""
_UNTOLD = frozenset({"shouts"})
"""Kinds whose voices are not one person each."""
Facts = Sequence[SpokenFacts]


@dataclass(frozen=True)
class Case:
    """A folder of one speaker's clips, and which of them count."""

    name: str
    clips: Facts
    counted: np.ndarray


def check_figures(heard: Sequence[Heard], voice: VoiceVector) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """By half, kind and case: how many clips count, and how many of them are called another voice."""
    found: dict[str, Any] = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: {"called": 0, "of": 0})))
    for one in heard:
        for case in (*_one_voice(one), *_two_voices(one, heard)):
            cell = found[one.voice.half][one.voice.kind][case.name]
            cell["called"] += len(_called(case.clips, voice) & set(np.flatnonzero(case.counted)))
            cell["of"] += int(case.counted.sum())
    return {half: {kind: dict(cases) for kind, cases in kinds.items()} for half, kinds in found.items()}


def _one_voice(one: Heard) -> Iterator[Case]:
    """As it is, in small sets, with one clip under noise among clean ones, and with half of the clips coded."""
    rng, clean = _rng(one), one.facts["clean"]
    everything = np.ones(len(clean), bool)
    yield Case("clean", clean, everything)
    for _ in range(3):
        yield Case("clean, sets of 8", [clean[i] for i in rng.permutation(len(clean))[:SMALL]], np.ones(SMALL, bool))
    for name in ("noise 20 dB", "noise 10 dB"):
        for index, noisy in enumerate(one.facts[name]):
            yield Case(name, [*clean[:index], noisy, *clean[index + 1 :]], np.arange(len(clean)) == index)
    for name in ("MP3", "Opus"):
        coded = rng.random(len(clean)) < 0.5
        yield Case(name, [one.facts[name][i] if coded[i] else clean[i] for i in range(len(clean))], everything)


def _two_voices(one: Heard, heard: Sequence[Heard]) -> Iterator[Case]:
    rng, clean = _rng(one), list(one.facts["clean"])
    for other in others(one, heard):
        theirs = other.facts["clean"]
        for index in rng.permutation(len(theirs))[:OTHERS]:
            yield _among("one other", clean, [theirs[index]])
            yield _among("one of 8", [clean[i] for i in rng.permutation(len(clean))[: SMALL - 1]], [theirs[index]])
        yield _among("three others", clean, [theirs[i] for i in rng.permutation(len(theirs))[:3]])
        own = [clean[i] for i in rng.permutation(len(clean))[:OWN]]
        yield _among("eight of 24", own, [theirs[i] for i in rng.permutation(len(theirs))[:MANY]])


def others(one: Heard, heard: Sequence[Heard]) -> list[Heard]:
    """Other people of the same half and kind: recorded alike, so that nothing but the voice tells them apart."""
    if one.voice.kind in _UNTOLD:
        return []
    return [
        other
        for other in heard
        if other is not one
        and (other.voice.half, other.voice.kind) == (one.voice.half, one.voice.kind)
        and {one.voice.name, other.voice.name} not in _NOT_OTHERS
    ]


def _among(name: str, own: Facts, theirs: Facts) -> Case:
    return Case(name, [*own, *theirs], np.arange(len(own) + len(theirs)) >= len(own))


def _called(clips: Facts, voice: VoiceVector) -> set[int]:
    """Which clips the check speaks of."""
    samples = [Sample(str(n), {"audio": AudioRef(f"{n}.wav")}, {"caption": ""}) for n in range(len(clips))]
    context = CheckContext(tuple(CheckedClip(sample, {}) for sample in samples), CheckLimits())
    heard = {sample.id: facts for sample, facts in zip(samples, clips, strict=True)}
    return {int(finding.clip) for finding in odd_voices(context, heard, voice)}


def output_figures(heard: Sequence[Heard], voice: VoiceVector) -> dict[str, dict[str, dict[str, dict[str, int]]]]:
    """The same of outputs held against a prompt and eight other clips of the voice that was asked for."""
    found: dict[str, Any] = defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: {"called": 0, "of": 0})))
    for one in heard:
        cells, clean = found[one.voice.half][one.voice.kind], one.facts["clean"]
        for name in ("clean", "noise 20 dB", "noise 10 dB", "MP3", "Opus"):
            for index, output in enumerate(one.facts[name]):
                _count(cells[name], output, clean, index, voice)
        for other in others(one, heard):
            for name in ("clean", "noise 20 dB"):
                for index, output in enumerate(other.facts[name]):
                    _count(
                        cells["another voice" + ("" if name == "clean" else f", {name}")], output, clean, index, voice
                    )
    return {half: {kind: dict(cases) for kind, cases in kinds.items()} for half, kinds in found.items()}


def _count(cell: dict[str, int], output: SpokenFacts, clean: Facts, index: int, voice: VoiceVector) -> None:
    """One output: the prompt is the next clip, the speaker's others are those after it."""
    known = [np.array(clean[(index + step) % len(clean)].voice) for step in range(1, _SPEAKER_CLIPS + 2)]
    mine = np.array(output.voice)
    likeness = max(similarity(mine, known[0]), similarity(mine, mean_voice(known[1:])))
    limit = min(voice.other_under, own_limit(known[1:]))
    told = output.spoken >= LEAST_SPOKEN_S and output.floor_db <= LOUDEST_FLOOR_DB
    cell["called"] += told and likeness < limit
    cell["of"] += 1


def _rng(one: Heard) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(one.voice.name.encode()))

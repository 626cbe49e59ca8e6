"""Sets of outputs in which something is wrong over all of them together, judged as ``tunesmith evaluate`` judges a run.

Outputs and own clips are tokens of the pocket codec, so that a copied stretch is what a model that knows a clip by
heart writes: the clip's own tokens among others.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from diagnosis_cases import coders
from diagnosis_cases.material import RATE, SECONDS, Clip
from diagnosis_cases.tempi import asked_outputs
from tunesmith.evaluation.diagnosis import RunData
from tunesmith.evaluation.diagnosis.diagnose import judge_run
from tunesmith.evaluation.signals import Signals
from tunesmith.evaluation.sound.compare import HeardSets, Sound, compare_sound
from tunesmith.evaluation.sound.copies import Coded, find_copies
from tunesmith.records.sound_comparison import SoundComparison

OUTPUTS, OWN_CLIPS = 8, 12
_TEMPO_RUNS = 3  # cheap: every output is measured once
RULES = ("copies", "variety", "distance", "asked_tempo")


@dataclass(frozen=True)
class Drawn:
    """Clips of one kind, drawn for one run: those trained on, those held out, and what outputs are made of."""

    training: list[Clip]
    held_out: list[Clip]
    base: list[Clip]
    adapter: list[Clip]


@dataclass
class Shares:
    """How often a planted set was found, and in how many."""

    found: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))

    def figures(self) -> dict[str, float]:
        """By name the share, and beside it how many."""
        known = {name: float(np.mean(flags)) for name, flags in self.found.items()}
        return known | {f"{name}, of": len(flags) for name, flags in self.found.items()}


def draws(material: Sequence[Clip], runs: int, seed: int = 0) -> Iterator[tuple[np.random.Generator, Drawn]]:
    """So many runs of every kind of music; no source is both an own clip and an output."""
    for kind in sorted({clip.kind for clip in material if clip.profile == "music"}):
        by_source = {c.source: c for c in material if c.kind == kind and not c.ending}  # one crop of every track
        clips = list(by_source.values())
        rng = np.random.default_rng([seed, zlib.crc32(kind.encode())])
        for _ in range(runs):
            order = [clips[i] for i in rng.permutation(len(clips))]
            own = order[: min(OWN_CLIPS, len(order) // 2)]
            rest = order[len(own) :]
            count = min(OUTPUTS, len(rest))
            adapter = rest[:count]
            base = [rest[i] for i in rng.permutation(len(rest))[:count]]
            held = max(1, len(own) // 4)
            yield rng, Drawn(own[held:], own[:held], base, adapter)


def set_shares(cache: Path, material: Sequence[Clip], runs: int) -> dict[str, dict[str, float]]:
    """Copies, lost variety and ignored prompts: how many are found, and how often rules speak where nothing is wrong.

    Args:
        cache: Of the material.
        material: Of one half.
        runs: Of every kind.

    Returns:
        ``recall`` and ``false_alarms``: by name the share, and beside it of how many.
    """
    recall, alarms = Shares(), Shares()
    for rng, drawn in draws(material, runs):
        _copies(cache, drawn, rng, recall, alarms)
        for name, adapter in _varieties(cache, drawn, rng).items():
            names = _judged(cache, drawn, adapter, searched=not name)
            if name:
                recall.found[name].append("variety" in names)
            else:
                for rule in RULES[:3]:
                    alarms.found[rule].append(rule in names)
    for name, names in _tempi(cache, material, _TEMPO_RUNS * runs):
        if name:
            recall.found[name].append("asked_tempo" in names)
        else:
            alarms.found["asked_tempo"].append("asked_tempo" in names)
    figures = {"recall": recall.figures(), "false_alarms": alarms.figures()}
    print_shares(figures)
    return figures


def print_shares(figures: dict[str, dict[str, float]]) -> None:
    """Each share, and of how many."""
    for part, shares in figures.items():
        print(f"\nSets of outputs: {part.replace('_', ' ')}")
        for name in (n for n in shares if not n.endswith(", of")):
            print(f"  {name:44} {shares[name]:6.1%} of {shares[f'{name}, of']:.0f}")


def _judged(cache: Path, drawn: Drawn, adapter: Sequence[Sound], *, searched: bool) -> set[str]:
    own = [_sound(cache, clip) for clip in (*drawn.training, *drawn.held_out)]
    heard = HeardSets(
        base=[_sound(cache, clip) for clip in drawn.base],
        adapter=adapter,
        reference=own,
        training=_coded(cache, drawn.training) if searched else [],
        held_out=_coded(cache, drawn.held_out),
        prompts=[""] * len(adapter),
    )
    return _names(compare_sound(heard, None, []), None, [])


def _names(sound: SoundComparison, base: Sequence[Signals] | None, adapter: Sequence[Signals]) -> set[str]:
    return {finding.name for finding in judge_run(RunData(base, adapter, sound=sound)) if finding.name in RULES}


def _sound(cache: Path, clip: Clip) -> Sound:
    return coders.decoded(coders.tokens_of(cache, clip)), coders.pocket_rate()


def _coded(cache: Path, clips: Sequence[Clip]) -> list[Coded]:
    return [(clip.name, *_sound(cache, clip)) for clip in clips]


def _one(clips: Sequence[Clip], rng: np.random.Generator) -> Clip:
    return clips[int(rng.integers(len(clips)))]


def _copies(cache: Path, drawn: Drawn, rng: np.random.Generator, recall: Shares, alarms: Shares) -> None:
    """One stretch of a training clip in every output, as tokens and as Opus of a recording cut elsewhere."""
    planted = [(f"copied {seconds} s, in tokens", clip, _one(drawn.training, rng), seconds)
               for seconds in (5, 3) for clip in drawn.adapter]  # fmt: skip
    outputs = [_pasted(cache, clip, source, seconds, rng) for _, clip, source, seconds in planted]
    copies = find_copies(outputs, _coded(cache, drawn.training), _coded(cache, drawn.held_out))
    found = {copy.output: copy.clip for copy in copies}
    for number, (name, _, source, _) in enumerate(planted):
        recall.found[name].append(found.get(number) == source.name)
    opus = {c.name: coders.through_opus(c.load(cache)) for c in (*drawn.training, *drawn.held_out)}
    parts = [[(c.name, opus[c.name], coders.OPUS_RATE) for c in part] for part in (drawn.training, drawn.held_out)]
    sources = [_one(drawn.training, rng) for _ in drawn.adapter]
    outputs = [_pasted_sound(cache, c, s, 5, rng) for c, s in zip(drawn.adapter, sources, strict=True)]
    clean = [(coders.through_opus(clip.load(cache)), coders.OPUS_RATE) for clip in drawn.adapter]
    found = {copy.output: copy.clip for copy in find_copies([*outputs, *clean], *parts)}
    recall.found["copied 5 s, through Opus"] += [found.get(n) == s.name for n, s in enumerate(sources)]
    alarms.found["copies, of an output through Opus"] += [len(outputs) + n in found for n in range(len(clean))]


def _pasted(cache: Path, clip: Clip, source: Clip, seconds: float, rng: np.random.Generator) -> Sound:
    tokens, copied = coders.tokens_of(cache, clip).copy(), coders.tokens_of(cache, source)
    count = min(coders.frames(seconds), tokens.shape[1], copied.shape[1])
    at, inside = (int(rng.integers(0, each.shape[1] - count + 1)) for each in (tokens, copied))
    tokens[:, at : at + count] = copied[:, inside : inside + count]
    return coders.decoded(tokens), coders.pocket_rate()


def _pasted_sound(cache: Path, clip: Clip, source: Clip, seconds: float, rng: np.random.Generator) -> Sound:
    audio, copied = (each.load(cache).mean(axis=1, keepdims=True) for each in (clip, source))
    count = min(int(seconds * RATE), len(audio), len(copied))
    at, inside = (int(rng.integers(0, len(each) - count + 1)) for each in (audio, copied))
    audio[at : at + count] = copied[inside : inside + count]
    return coders.through_opus(audio), coders.OPUS_RATE


def _varieties(cache: Path, drawn: Drawn, rng: np.random.Generator) -> dict[str, list[Sound]]:
    """Outputs of one piece, of two, and as they were drawn (no name)."""
    made: dict[str, list[Sound]] = {"": [_sound(cache, clip) for clip in drawn.adapter]}
    for name, pieces in (("every output the same piece", 1), ("outputs of two pieces", 2)):
        chosen = [drawn.adapter[i] for i in rng.permutation(len(drawn.adapter))[:pieces]]
        made[name] = [_another_take(cache, chosen[n % pieces], rng) for n in range(len(drawn.adapter))]
    return made


def _another_take(cache: Path, clip: Clip, rng: np.random.Generator) -> Sound:
    """The piece from another place on, at another level, one token in fifty another one."""
    tokens = np.roll(coders.tokens_of(cache, clip), int(rng.integers(0, coders.frames(SECONDS))), axis=1)
    other = rng.random(tokens.shape) < 0.02
    tokens[other] = rng.permutation(tokens[other])
    return coders.decoded(tokens) * 10 ** (rng.uniform(-2, 2) / 20), coders.pocket_rate()


def _tempi(cache: Path, material: Sequence[Clip], runs: int) -> Iterator[tuple[str, set[str]]]:
    """Prompts with a tempo that the base follows, and so does the adapter (no name), or it does not."""
    outputs = asked_outputs(cache, material[0].half)
    rng = np.random.default_rng(0)
    for style in sorted({output.style for output in outputs}):
        known = [output for output in outputs if output.style == style]
        for _ in range(runs):
            drawn = [known[i] for i in rng.permutation(len(known))[:OUTPUTS]]
            base = [output.first for output in drawn]
            others = [output.second for output in drawn]
            made = {
                "": others,
                "prompts ignored: another prompt's tempo": [*others[1:], others[0]],
                "prompts ignored: one tempo for all": others[:1] * OUTPUTS,
            }
            prompts = [f"{style}, {output.bpm:.0f} bpm" for output in drawn]
            for name, adapter in made.items():
                sound = compare_sound(HeardSets([], [], [], [], [], prompts), base, adapter)
                yield name, _names(sound, base, adapter)

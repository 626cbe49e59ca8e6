"""The example style: 808 trap. Sliding sub bass, half-time claps, hat rolls and bells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tunesmith.pocket.synth import sounds as s
from tunesmith.pocket.synth.score import MINOR, NAMES, Score, scale_note, tempo

HITS = ((0, 6, 10), (0, 3, 10), (0, 7, 10, 14), (0, 6, 12), (0, 4, 11))
CHORDS = ((0, 5), (0, 2), (0, 4), (0, 0), (0, -1), (0, 3))  # two chords, each for half of the one-bar loop
OPENINGS = ("808 trap beat", "trap beat with 808 bass", "hard 808 trap", "slow 808 trap instrumental")
MOODS = ("dark", "moody", "menacing", "dreamy", "cold")
SECTION = 8  # bars after which another loop begins, so that two cuts of one track differ


@dataclass(frozen=True)
class Loop:
    """One bar, in sixteenths from 0 to 16.

    Attributes:
        hits: Where the bass strikes.
        glides: By how many semitones each strike slides.
        rolls: Into how many ticks each of the eight hats is split.
        melody: A bell for each eighth; 4 and 5 are rests.
    """

    hits: tuple[int, ...]
    chords: tuple[int, int]
    glides: tuple[float, ...]
    rolls: tuple[int, ...]
    melody: tuple[int, ...]


def trap808(seconds: float, rate: int, rng: np.random.Generator) -> tuple[Score, str, str]:
    """One beat; key, tempo, kit and the loop of each section are drawn anew for every seed."""
    score = Score(seconds, rate, tempo(rng.choice([8, 10])), rng)
    root, drive = int(rng.choice([28, 29, 31, 33])), float(rng.choice([1.4, 2.2]))
    kit, with_bells, seed = int(rng.integers(4)), bool(rng.random() < 0.8), int(rng.integers(2**31))
    first = _loop(np.random.default_rng([seed, 0]))
    for bar in range(int(score.beats / 4) + 1):
        loop = _loop(np.random.default_rng([seed, bar // SECTION]))
        _low_end(score, 4.0 * bar, loop, root, drive)
        _drums(score, 4.0 * bar, loop, np.random.default_rng(kit))
        if with_bells:
            _bells(score, 4.0 * bar, loop, root + 36)
    extras = [f"{score.bpm:.0f} bpm"]
    extras += ["gliding sub bass" if any(first.glides) else "deep sub bass"]
    extras += ["rolling hi hats" if max(first.rolls) > 1 else "crisp hi hats"] + (["bells"] if with_bells else [])
    kept = [word for word in extras if rng.random() < 0.8]
    caption = ", ".join([str(rng.choice(OPENINGS)), str(rng.choice(MOODS)), *kept])
    return score, caption, f"{NAMES[root % 12]} minor"


def _loop(rng: np.random.Generator) -> Loop:
    hits = HITS[rng.integers(len(HITS))]
    return Loop(
        hits=hits,
        chords=CHORDS[rng.integers(len(CHORDS))],
        glides=tuple(float(rng.choice([-5, 5, 7, 12])) if rng.random() < 0.25 else 0.0 for _ in hits),
        rolls=tuple(int(rng.choice([2, 4])) if rng.random() < 0.18 else 1 for _ in range(8)),
        melody=tuple(int(step) for step in rng.integers(0, 6, 8)),
    )


def _low_end(score: Score, start: float, loop: Loop, root: int, drive: float) -> None:
    """Sub bass and the click of the kick on every hit."""
    for hit, following, glide in zip(loop.hits, (*loop.hits[1:], 16), loop.glides, strict=True):
        note = scale_note(root, MINOR, loop.chords[hit >= 8])
        length = score.span((following - hit) / 4)
        sub = s.sub_bass(note - 12 if note > 38 else note, length, score.rate, glide, drive)
        score.add(sub, start + hit / 4, 0.75)
        score.add(s.kick(score.rate, 180, 50, 0.06), start + hit / 4, 0.4)


def _drums(score: Score, start: float, loop: Loop, kit: np.random.Generator) -> None:
    """A clap on the third beat, hats in eighths, some of them split into rolls, and sometimes a ringing hat."""
    score.add(s.clap(score.rate, kit), start + 2.0, 0.65)
    tick = s.hat(score.rate, kit, 0.02)
    for eighth, parts in enumerate(loop.rolls):
        for part in range(parts):
            score.add(tick, start + (eighth + part / parts) / 2, 0.5 if part == 0 else 0.36, 0.25)
    if loop.rolls[0] == 1:
        score.add(s.hat(score.rate, kit, 0.1), start + 3.5, 0.35, -0.3)


def _bells(score: Score, start: float, loop: Loop, root: int) -> None:
    """A sparse melody over the two chords."""
    for step, degree in enumerate(loop.melody):
        if degree < 4:
            note = scale_note(root, MINOR, loop.chords[step >= 4] + int((0, 2, 4, 7)[degree]))
            score.add(s.bell(note, score.rate, 0.28), start + step / 2, 0.15, -0.3 if step % 2 else 0.3)

"""The example style: 808 trap. Sliding sub bass, half-time claps, hat rolls and bells."""

from __future__ import annotations

import numpy as np

from tunesmith.pocket.synth import sounds as s
from tunesmith.pocket.synth.score import MINOR, NAMES, Score, scale_note

HITS = ((0, 6, 10), (0, 3, 10), (0, 7, 10, 14), (0, 6, 12), (0, 4, 11))
CHORDS = ((0, 5, 2, 6), (0, 2, 5, 4), (0, 3, 5, 4), (0, 0, 5, 6))
OPENINGS = ("808 trap beat", "trap beat with 808 bass", "hard 808 trap", "slow 808 trap instrumental")
MOODS = ("dark", "moody", "menacing", "dreamy", "cold")


def trap808(seconds: float, rate: int, rng: np.random.Generator) -> tuple[Score, str, str]:
    """One beat; hits, rolls, slides, bell line and tempo are drawn anew for every seed."""
    score = Score(seconds, rate, float(rng.choice([130, 134, 138, 140, 144, 148])), rng)
    root = int(rng.integers(28, 35))
    hits, chords = HITS[rng.integers(len(HITS))], CHORDS[rng.integers(len(CHORDS))]
    offset = 0.0 if rng.random() < 0.7 else -8.0
    with_bells, drive = bool(rng.random() < 0.8), float(rng.uniform(1.3, 2.6))
    slides, rolls = 0, 0
    melody = rng.integers(0, 5, 8)
    for bar in range(int((score.beats - offset) / 4) + 1):
        start = 4 * bar + offset
        chord = chords[bar % 4]
        slides += _low_end(score, start, hits, scale_note(root, MINOR, chord), drive)
        rolls += _drums(score, start)
        if with_bells:
            _bells(score, start, scale_note(root + 36, MINOR, 0), chord, melody)
    extras = [f"{score.bpm:.0f} bpm"]
    extras += ["gliding sub bass" if slides else "deep sub bass"]
    extras += ["rolling hi hats" if rolls > 1 else "crisp hi hats"] + (["bells"] if with_bells else [])
    kept = [word for word in extras if rng.random() < 0.8]
    caption = ", ".join([str(rng.choice(OPENINGS)), str(rng.choice(MOODS)), *kept])
    return score, caption, f"{NAMES[root % 12]} minor"


def _low_end(score: Score, start: float, hits: tuple[int, ...], note: int, drive: float) -> int:
    """Sub bass and the click of the kick on every hit; returns how many of them slide."""
    slides = 0
    for hit, following in zip(hits, (*hits[1:], 16), strict=True):
        glide = float(score.rng.choice([-5, 5, 7, 12])) if score.rng.random() < 0.2 else 0.0
        slides += glide != 0.0
        length = score.span((following - hit) / 4)
        low = note - 12 if note > 38 else note
        score.add(s.sub_bass(low, length, score.rate, glide, drive), start + hit / 4, 0.75)
        score.add(s.kick(score.rate, 180, 50, 0.06), start + hit / 4, 0.4)
    return slides


def _drums(score: Score, start: float) -> int:
    """Clap on the third beat, hats in eighths with sudden rolls; returns the number of rolls."""
    rate, rng, rolls = score.rate, score.rng, 0
    score.add(s.clap(rate, rng), start + 2.0, 0.65)
    tick = s.hat(rate, rng, 0.02)
    for eighth in range(8):
        parts = int(rng.choice([3, 4])) if rng.random() < 0.15 else 1
        rolls += parts > 1
        for part in range(parts):
            score.add(tick, start + (eighth + part / parts) / 2, 0.5 if part == 0 else 0.36, 0.25)
    if rng.random() < 0.3:
        score.add(s.hat(rate, rng, 0.12), start + 3.5, 0.4, -0.3)
    return rolls


def _bells(score: Score, start: float, root: int, chord: int, melody: np.ndarray) -> None:
    """A sparse melody that repeats each bar over the changing chord."""
    for step, degree in enumerate(melody):
        if degree < 4:
            note = scale_note(root, MINOR, chord + int((0, 2, 4, 7)[degree]))
            score.add(s.bell(note, score.rate, 0.28), start + step / 2, 0.15, -0.3 if step % 2 else 0.3)

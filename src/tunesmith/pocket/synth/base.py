"""The styles that the pocket model is pretrained on; none of them is the one it is later taught."""

from __future__ import annotations

import numpy as np

from tunesmith.pocket.synth import sounds as s
from tunesmith.pocket.synth.score import MAJOR, MINOR, MINOR_PENTATONIC, NAMES, Score, drum_kit, scale_note, tempo

Described = tuple[Score, str, str]
CHORDS = ((0, 5), (0, 3), (0, 4), (0, 0), (0, 2), (0, -2))  # two chords, each for half of the one-bar loop


def house(seconds: float, rate: int, rng: np.random.Generator) -> Described:
    """Four on the floor under a saw arpeggio."""
    score = Score(seconds, rate, tempo(10), rng)
    kit = drum_kit(rng)
    root, bright = int(rng.choice([45, 48, 50, 52])), bool(rng.random() < 0.5)
    weights = s.saw(10, 0.9) if bright else s.saw(4, 1.5)
    pattern, chords = rng.integers(0, 6, 8), CHORDS[rng.integers(6)]
    kick, hat, clap = s.kick(rate, 150, 58, 0.09), s.hat(rate, kit, 0.035), s.clap(rate, kit)
    for step in range(int(score.beats * 2) + 1):
        chord = chords[(step // 4) % 2]
        note = scale_note(root, MINOR, chord + (0, 2, 4, 7, 9, 11)[pattern[step % 8]])
        score.add(s.pluck(note, rate, 0.13, weights, 6), step / 2, 0.30, -0.3 if step % 2 else 0.3)
        if step % 2:
            score.add(hat, step / 2, 0.55, 0.2)
            score.add(s.pluck(scale_note(root - 12, MINOR, chord), rate, 0.1, s.saw(4, 1.2)), step / 2, 0.35)
        else:
            score.add(kick, step / 2, 0.55)
        if step % 4 == 2:
            score.add(clap, step / 2, 0.5)
    tone = "bright" if bright else "warm"
    return score, f"house arpeggio {score.bpm:.0f} bpm, {tone} synth", f"{NAMES[root % 12]} minor"


def ambient(seconds: float, rate: int, rng: np.random.Generator) -> Described:
    """Slow chords with soft edges and no drums."""
    score = Score(seconds, rate, tempo(rng.choice([16, 20])), rng)
    major, airy = bool(rng.random() < 0.5), bool(rng.random() < 0.5)
    root, scale, chords = int(rng.choice([48, 50, 53, 55])), MAJOR if major else MINOR, CHORDS[rng.integers(6)]
    length = 2.0
    weights = s.saw(7, 1.3) if airy else s.saw(3, 1.8)
    for number in range(int(score.beats / length) + 1):
        for voice, degree in enumerate((0, 2, 4, 7 if airy else 6)):
            note = scale_note(root, scale, chords[number % 2] + degree)
            sound = s.held(note, score.span(length * 1.25), rate, weights, 0.35, 9)
            score.add(sound, number * length - 0.25, 0.2, (voice - 1.5) / 3)
    mood, tone = "hopeful" if major else "dark", "airy" if airy else "soft"
    return score, f"ambient pad chords, {mood}, {tone}, slow", f"{NAMES[root % 12]} {'major' if major else 'minor'}"


def keys(seconds: float, rate: int, rng: np.random.Generator) -> Described:
    """An electric piano: left-hand chords under a short motif."""
    score = Score(seconds, rate, tempo(rng.choice([10, 16])), rng)
    major = bool(rng.random() < 0.5)
    root, scale, chords = int(rng.choice([52, 55, 57, 59])), MAJOR if major else MINOR, CHORDS[rng.integers(6)]
    brightness = float(rng.choice([0.6, 1.3]))
    motif = [
        (beat, int(rng.integers(7, 13))) for beat in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5) if rng.random() < 0.6
    ]
    for bar in range(int(score.beats / 4) + 1):
        for half, chord in enumerate(chords):
            for offset in (0, 2, 4):
                note = scale_note(root, scale, chord + offset)
                score.add(s.electric_piano(note, rate, 0.55, brightness), 4 * bar + 2 * half, 0.22, -0.25)
        for beat, degree in motif:
            note = scale_note(root, scale, degree)
            score.add(s.electric_piano(note, rate, 0.4, brightness), 4 * bar + beat, 0.34, 0.25)
    mood, tone = "happy" if major else "sad", "bright" if brightness > 1 else "mellow"
    caption = f"electric piano melody {score.bpm:.0f} bpm, {mood}, {tone}"
    return score, caption, f"{NAMES[root % 12]} {'major' if major else 'minor'}"


def breaks(seconds: float, rate: int, rng: np.random.Generator) -> Described:
    """A broken beat over a growling bass line."""
    score = Score(seconds, rate, tempo(rng.choice([8, 10])), rng)
    kit = drum_kit(rng)
    root = int(rng.choice([40, 42, 43, 45]))
    kicks = ((0.0, 2.5), (0.0, 1.5, 2.75), (0.0, 0.75, 2.5))[rng.integers(3)]
    kick, snare, hat = s.kick(rate, 170, 62, 0.07), s.snare(rate, kit), s.hat(rate, kit, 0.025)
    line, weights = rng.integers(0, 5, 4), s.saw(8, float(rng.choice([0.9, 1.3])))
    for bar in range(int(score.beats / 4) + 1):
        for beat in kicks:
            score.add(kick, 4 * bar + beat, 0.7)
        for beat in (1.0, 3.0):
            score.add(snare, 4 * bar + beat, 0.8)
        for half in range(8):
            score.add(hat, 4 * bar + half / 2, 0.6 if half % 2 else 0.4, 0.3)
        for number, degree in enumerate(line):
            note = scale_note(root + 12, MINOR_PENTATONIC, int(degree))
            score.add(s.held(note, score.span(0.9), rate, weights, 0.01, 12), 4 * bar + number, 0.22)
    feel = "heavy" if len(kicks) > 2 else "rolling"
    return score, f"breakbeat groove {score.bpm:.0f} bpm, {feel} drums, reese bass", f"{NAMES[root % 12]} minor"


def chiptune(seconds: float, rate: int, rng: np.random.Generator) -> Described:
    """Square waves and noise ticks, as in an old games console."""
    score = Score(seconds, rate, tempo(rng.choice([8, 10])), rng)
    kit = drum_kit(rng)
    root, chords = int(rng.choice([57, 60, 62, 64])), CHORDS[rng.integers(6)]
    fast, lead = bool(rng.random() < 0.5), rng.integers(0, 5, 8)
    arpeggio, tick = (0, 2, 4, 7), s.hat(rate, kit, 0.015)
    for step in range(int(score.beats * 4) + 1):
        chord = chords[(step // 8) % 2]
        if fast or step % 2 == 0:
            note = scale_note(root, MAJOR, chord + arpeggio[(step if fast else step // 2) % 4])
            score.add(s.pluck(note, rate, 0.06, s.square(9)), step / 4, 0.22, -0.4)
        if step % 2 == 0:
            note = scale_note(root + 12, MAJOR, chord + int(lead[step // 2 % 8]))
            score.add(s.pluck(note, rate, 0.12, s.square(7)), step / 4, 0.26, 0.4)
        if step % 4 == 0:
            score.add(s.pluck(scale_note(root - 24, MAJOR, chord), rate, 0.15, s.square(9)), step / 4, 0.3)
            score.add(tick, step / 4 + 0.5, 0.5)
    speed = "fast" if fast else "playful"
    return score, f"chiptune game music {score.bpm:.0f} bpm, {speed} square lead", f"{NAMES[root % 12]} major"


def dub(seconds: float, rate: int, rng: np.random.Generator) -> Described:
    """A deep, round bass line under off-beat organ chords and a half-time rim shot."""
    score = Score(seconds, rate, tempo(rng.choice([8, 10])), rng)
    kit = drum_kit(rng)
    root, chords = int(rng.choice([28, 30, 31, 33])), CHORDS[rng.integers(6)]
    line = rng.choice([0, 0, 2, 4, 6], 4)
    starts = ((0.0, 1.5, 2.5, 3.0), (0.0, 1.0, 2.5, 3.5), (0.0, 0.5, 2.0, 3.0))[rng.integers(3)]
    busy = bool(rng.random() < 0.5)
    kick, snare, hat = s.kick(rate, 110, 50, 0.1), s.snare(rate, kit), s.hat(rate, kit, 0.02)
    for bar in range(int(score.beats / 4) + 1):
        for start, following, degree in zip(starts, (*starts[1:], 4.0), line, strict=True):
            note = scale_note(root, MINOR, chords[start >= 2] + int(degree))
            sound = s.held(note if note < 43 else note - 12, score.span(following - start), rate, [1.0, 0.15], 0.012, 0)
            score.add(sound, 4 * bar + start, 0.27)
        for half in (1, 3, 5, 7):
            for degree in (0, 2, 4):
                note = scale_note(root + 24, MINOR, chords[half >= 4] + degree)
                score.add(s.pluck(note, rate, 0.06, s.saw(5, 1.4)), 4 * bar + half / 2, 0.26, -0.4)
        for eighth in range(0, 8, 1 if busy else 2):
            score.add(hat, 4 * bar + eighth / 2, 0.45, 0.3)
        score.add(kick, 4 * bar, 0.45)
        score.add(snare, 4 * bar + 2, 0.55)
    feel = "busy hats" if busy else "laid back"
    return score, f"dub groove {score.bpm:.0f} bpm, deep bass, organ chords, {feel}", f"{NAMES[root % 12]} minor"

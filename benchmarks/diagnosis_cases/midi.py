"""Short pieces for General MIDI instruments, composed by chance within a style and rendered through a soundfont."""

from __future__ import annotations

import random
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

STYLES = ("band", "piano", "strings", "house", "pads", "arpeggio", "drums", "organ")
OTHER_STYLES = ("brass", "guitar", "mallets", "choir")
_TICKS = 480
_SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_PROGRESSIONS = ((0, 5, 3, 4), (0, 3, 4, 0), (0, 5, 2, 6), (0, 4, 5, 3))
_DRUMS = 9


@dataclass
class Piece:
    """Events of one piece: (beat, order, bytes)."""

    bpm: float
    root: int
    scale: tuple[int, ...]
    rng: random.Random
    events: list[tuple[float, int, bytes]] = field(default_factory=list)

    def degree(self, number: int, octave: int) -> int:
        """The MIDI note of a degree of the scale."""
        up, within = divmod(number, 7)
        return 12 * (octave + up) + self.root + self.scale[within]

    def program(self, channel: int, number: int) -> None:
        """Choose a channel's instrument."""
        self.events.append((0.0, 0, bytes([0xC0 | channel, number])))

    def note(self, channel: int, pitch: int, beat: float, beats: float, velocity: int) -> None:
        """One note, a few milliseconds and some loudness off, as a person plays."""
        beat = max(0.0, beat + self.rng.gauss(0, 0.004))
        loud = max(1, min(127, round(velocity + self.rng.gauss(0, 5))))
        self.events.append((beat, 2, bytes([0x90 | channel, pitch, loud])))
        self.events.append((beat + beats, 1, bytes([0x80 | channel, pitch, 0])))

    def content(self) -> bytes:
        """A standard MIDI file of one track."""
        track, last = b"\x00\xff\x51\x03" + round(6e7 / self.bpm).to_bytes(3, "big"), 0
        for beat, _, event in sorted(self.events, key=lambda each: each[:2]):
            tick = round(beat * _TICKS)
            track += _variable(tick - last) + event
            last = tick
        track += b"\x00\xff\x2f\x00"
        header = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01" + _TICKS.to_bytes(2, "big")
        return header + b"MTrk" + len(track).to_bytes(4, "big") + track


def _variable(value: int) -> bytes:
    found = [value & 0x7F]
    while value := value >> 7:
        found.append(0x80 | (value & 0x7F))
    return bytes(reversed(found))


def compose(style: str, seed: int, seconds: float, tempo: float | None = None) -> Piece:
    """One piece of a style; another key, tempo (unless given), progression and melody for every seed."""
    rng = random.Random(f"{style} {seed}")
    slow = style in {"pads", "strings", "piano", "organ", "choir"}
    piece = Piece(
        rng.uniform(62, 100) if slow else rng.uniform(95, 150),
        rng.randrange(12),
        _SCALES[rng.choice(("major", "minor"))],
        rng,
    )
    piece.bpm = tempo or piece.bpm
    bars = int(seconds * piece.bpm / 240) + 2
    chords = [rng.choice(_PROGRESSIONS)[bar % 4] for bar in range(bars)]
    instruments = {
        "band": (29, 33, 26), "piano": (0, 0, 0), "strings": (48, 43, 73), "house": (4, 38, 81),
        "pads": (rng.choice((88, 89, 91, 94)), 39, 52), "arpeggio": (81, 38, 80), "drums": (0, 33, 0),
        "organ": (19, 43, 68), "brass": (61, 58, 56), "guitar": (25, 32, 24), "mallets": (12, 35, 11),
        "choir": (52, 42, 71),
    }[style]  # fmt: skip
    for channel, number in enumerate(instruments):
        piece.program(channel, number)
    for bar, chord in enumerate(chords):
        _bar(piece, style, 4 * bar, chord)
    return piece


def _bar(piece: Piece, style: str, at: int, chord: int) -> None:
    rng, triad = piece.rng, [piece.degree(chord + step, 5) for step in (0, 2, 4)]
    if style in {"band", "house", "drums"}:
        _drum_bar(piece, style, at)
    if style == "drums":
        return
    if style in {"arpeggio", "piano", "guitar", "mallets"}:
        for step in range(16):
            piece.note(
                0, triad[(0, 1, 2, 1)[step % 4]] + 12 * (step % 8 > 3), at + step / 4, 0.24, 70 - 8 * (step % 4 > 0)
            )
    else:
        for beat in {"band": (0, 1.5, 3), "house": (0.5, 1.5, 2.5, 3.5)}.get(style, (0,)):
            for pitch in triad:
                piece.note(0, pitch, at + beat, 0.4 if style in {"band", "house"} else 3.9, 74)
    low = piece.degree(chord, 3)
    for beat in (0, 2) if style in {"piano", "pads", "strings", "organ", "choir"} else [step / 2 for step in range(8)]:
        piece.note(1, low, at + beat, 0.45 if style not in {"pads", "strings", "choir"} else 1.9, 92)
    beat = 0.0
    while beat < 4:
        length = min(rng.choice((0.5, 0.5, 1, 1, 2)), 4 - beat)
        if rng.random() > 0.2:
            piece.note(2, piece.degree(chord + rng.choice((0, 1, 2, 4, 5)), 6), at + beat, 0.9 * length, 80)
        beat += length


def _drum_bar(piece: Piece, style: str, at: int) -> None:
    rng = piece.rng
    if style == "drums":
        for step in range(16):
            if rng.random() < 0.55:
                piece.note(
                    _DRUMS, rng.choice((36, 38, 41, 43, 45, 42, 46, 51)), at + step / 4, 0.1, rng.randint(60, 120)
                )
        return
    for beat in (0, 1, 2, 3) if style == "house" else (0, 2, 2.5):
        piece.note(_DRUMS, 36, at + beat, 0.2, 112)
    for beat in (1, 3):
        piece.note(_DRUMS, 38, at + beat, 0.2, 108)
    for step in range(8):
        piece.note(_DRUMS, 42, at + step / 2, 0.1, 80 - 14 * (step % 2))


def render(piece: Piece, target: Path, soundfont: Path, fluidsynth: str, rate: int) -> None:
    """Writes the piece as WAV."""
    score = target.with_suffix(".mid")
    score.write_bytes(piece.content())
    command = [fluidsynth, "-ni", "-q", "-g", "0.6", "-r", str(rate), "-F", str(target), str(soundfont), str(score)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    score.unlink()

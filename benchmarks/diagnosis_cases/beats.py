"""Trap beats from numpy alone: gliding 808 bass, kick, clap, hi-hat rolls and a minor bell arpeggio."""

from __future__ import annotations

import numpy as np

_PROGRESSIONS = ((0, 8, 3, 10), (0, 3, 8, 7), (0, 5, 8, 7))
_KICKS = ((0, 6, 10), (0, 3, 10), (0, 7, 10, 14))


def beat(seed: int, seconds: float, rate: int, tempo: float | None = None) -> np.ndarray:
    """One beat, (N, 2), peak 0.8; another tempo (unless given), key, bass line and pattern for every seed."""
    rng = np.random.default_rng(seed)
    bpm, root = rng.uniform(128, 162), int(rng.integers(38, 50))
    bpm = tempo or bpm
    mix, step = np.zeros((int(seconds * rate) + 2 * rate, 2)), 60 / bpm / 4
    chords, kicks = _PROGRESSIONS[rng.integers(3)], _KICKS[rng.integers(3)]

    def add(sound: np.ndarray, at: float, gain: float, pan: float = 0.0) -> None:
        first = int(at * rate)
        part = sound[: max(0, len(mix) - first)]
        mix[first : first + len(part)] += gain * part[:, None] * np.sqrt([1 - pan, 1 + pan])

    for bar in range(int(np.ceil(seconds / (16 * step)))):
        start, chord = 16 * bar * step, chords[bar % 4]
        chord -= 12 * (chord > 6)
        for kick, following in zip(kicks, (*kicks[1:], 16), strict=True):
            glide = -5.0 if rng.random() < 0.15 else 0.0
            add(_bass(root - 12 + chord, (following - kick) * step, rate, glide), start + kick * step, 0.55)
            add(_burst(rng, 0.05, (1500, 6000), 0.006, rate), start + kick * step, 0.12)
        add(_burst(rng, 0.25, (900, 7000), 0.06, rate), start + 8 * step, 0.45)
        add(_burst(rng, 0.2, (1200, 9000), 0.05, rate), start + 8 * step + 0.012, 0.2, 0.3)
        for hat in range(0, 16, 2):
            strokes = int(rng.choice([1, 1, 1, 1, 3, 4])) if hat % 4 == 2 else 1
            for stroke in range(strokes):
                at = start + (hat + 2 * stroke / strokes) * step
                add(_burst(rng, 0.06, (6000, 15000), 0.012, rate), at, 0.16 if stroke % 2 == 0 else 0.11, 0.25)
            if rng.random() < 0.8:
                note = root + 24 + chord + int(rng.choice([0, 3, 7]))
                add(_bell(note, rate), start + hat * step, 0.1, rng.uniform(-0.3, 0.3))
    mix = np.tanh(1.1 * mix[: int(seconds * rate)])
    return 0.8 * mix / np.abs(mix).max()


def _bass(note: float, seconds: float, rate: int, glide: float) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    frequency = 440 * 2 ** ((note - 69 + glide * time / seconds) / 12) * (1 + 1.5 * np.exp(-time / 0.015))
    tone = np.tanh(1.8 * np.sin(2 * np.pi * np.cumsum(frequency) / rate))
    release = np.clip((seconds - time) / 0.006, 0, 1)
    return tone * np.minimum(1, time / 0.003) * np.exp(-time / (0.7 * seconds)) * release


def _burst(rng: np.random.Generator, seconds: float, band: tuple[float, float], decay: float, rate: int) -> np.ndarray:
    from scipy.signal import butter, sosfilt

    count = int(seconds * rate)
    edges = [band[0], min(band[1], 0.49 * rate)]
    sound = sosfilt(butter(2, edges, "band", fs=rate, output="sos"), rng.standard_normal(count))
    return np.asarray(sound) * np.exp(-np.arange(count) / rate / decay)


def _bell(note: float, rate: int) -> np.ndarray:
    time = np.arange(int(0.9 * rate)) / rate
    frequency = 440 * 2 ** ((note - 69) / 12)
    modulator = 1.2 * np.sin(2 * np.pi * 3.01 * frequency * time) * np.exp(-time / 0.15)
    return np.sin(2 * np.pi * frequency * time + modulator) * np.exp(-time / 0.28)

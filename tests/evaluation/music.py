"""A small band: drums, bass and plucked chords, different for every seed, in stereo and without faults."""

from __future__ import annotations

import functools

import numpy as np

from tunesmith.evaluation.signals import Signals, measure

RATE = 16_000
SECONDS = 8.0


@functools.cache
def song(seed: int, seconds: float = SECONDS, rate: int = RATE) -> np.ndarray:
    """(N, 2), peak 0.7."""
    rng = np.random.default_rng(seed)
    bpm, root = rng.uniform(88, 150), 45 + int(rng.integers(12))
    out, step = np.zeros((int(seconds * rate) + 2 * rate, 2)), 60 / bpm / 2

    def add(sound: np.ndarray, at: float, gain: float, pan: float) -> None:
        first = int(at * rate)
        out[first : first + len(sound)] += gain * sound[:, None] * np.sqrt([1 - pan, 1 + pan])

    kicks, chords = rng.random(8) < 0.4, rng.choice([0, 3, 5, 7, 8, 10], 4)
    kicks[0] = True
    for number in range(int(seconds / step)):
        at, bar = number * step, number // 8
        chord = root + int(chords[bar % 4])
        if kicks[number % 8]:
            add(_pluck(chord - 12, 2.5 * step, rate, 0.4), at, 0.5, 0.0)
        if number % 8 == 4:
            add(rng.standard_normal(int(0.15 * rate)) * _decay(0.15, rate, 0.04), at, 0.2, 0.1)
        add(rng.standard_normal(int(0.05 * rate)) * _decay(0.05, rate, 0.01), at, 0.08 * rng.uniform(0.6, 1), 0.3)
        if rng.random() < 0.7:
            add(_pluck(chord + 12 + int(rng.choice([0, 3, 7, 12])), 0.6, rate, 0.25), at, 0.2, rng.uniform(-0.5, 0.5))
    out = out[: int(seconds * rate)]
    return 0.7 * out / np.abs(out).max()


def _decay(seconds: float, rate: int, constant: float) -> np.ndarray:
    return np.exp(-np.arange(int(seconds * rate)) / rate / constant)


def _pluck(note: int, seconds: float, rate: int, constant: float) -> np.ndarray:
    time = np.arange(int(seconds * rate)) / rate
    frequency = 440 * 2 ** ((note - 69) / 12)
    tone = sum(np.sin(2 * np.pi * frequency * k * time) / k**2 for k in range(1, 6))
    return tone * np.exp(-time / constant) * np.minimum(1, time / 0.003)


@functools.cache
def measured(seed: int) -> Signals:
    return measure(song(seed), RATE)

"""Ways in which generated audio fails, done to good audio: (N, 2), rate, generator -> (M, 2)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Failure = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]


def fade(decibels: float) -> Failure:
    return lambda x, rate, rng: x * 10 ** (-decibels / 20 * np.linspace(0, 1, len(x)))[:, None]


def cut(share: float) -> Failure:
    return lambda x, rate, rng: np.where(np.arange(len(x))[:, None] < len(x) * (1 - share), x, 0)


def silence(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return 1e-4 * rng.standard_normal(x.shape)


def noise(colour: str) -> Failure:
    def make(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        spectrum = np.fft.rfft(rng.standard_normal(x.shape), axis=0)
        if colour == "pink":
            spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))[:, None]
            spectrum[:20] = 0
        made = np.fft.irfft(spectrum, len(x), axis=0)
        return made * _rms(x) / _rms(made)

    return make


def dissolve(share: float) -> Failure:
    def make(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        gate = 1 / (1 + np.exp(-(np.arange(len(x)) / len(x) - share) * 80))[:, None]
        return x * (1 - gate) + noise("pink")(x, rate, rng) * gate

    return make


def shuffle_frames(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """The right 20 ms frames in the wrong order, as from random tokens."""
    hop = rate // 50
    window = np.hanning(2 * hop + 1)[:-1, None]
    starts = np.arange(0, len(x) - 2 * hop, hop)
    out = np.zeros_like(x)
    for start, source in zip(starts, rng.permutation(starts), strict=True):
        out[start : start + 2 * hop] += window * x[source : source + 2 * hop]
    return out


def stuck(seconds: float) -> Failure:
    def make(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        first, size = int(0.2 * len(x)), int(seconds * rate)
        return np.concatenate([x[:first], np.tile(x[first : first + size], (len(x) // size + 1, 1))])[: len(x)]

    return make


def drone(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    time, pitch = np.arange(len(x)) / rate, rng.uniform(80, 300)
    tone = sum(np.sin(2 * np.pi * pitch * k * time + rng.uniform(0, 6)) / k for k in range(1, 8))
    return np.stack([tone, 0.8 * tone + 0.01 * rng.standard_normal(len(x))], axis=1) * _rms(x) / _rms(tone)


def clip(decibels: float) -> Failure:
    return lambda x, rate, rng: 0.9 * np.clip(x / np.abs(x).max() * 10 ** (decibels / 20), -1, 1)


def overdrive(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return 0.95 * np.tanh(12 * x / np.abs(x).max())


def offset(amount: float) -> Failure:
    return lambda x, rate, rng: x + amount


def mono(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(x.mean(axis=1, keepdims=True), 2, axis=1)


def antiphase(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return mono(x, rate, rng) * [1, -1]


def dead_right(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return x * [1, 0]


def half(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return x[: len(x) // 2]


def broken(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    return np.where(np.arange(len(x))[:, None] % 1000 == 7, np.nan, x)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))


#: The rule that each failure must break.
EXPECTED: dict[str, tuple[Failure, str]] = {
    "fade 15 dB": (fade(15), "fade"),
    "fade 40 dB": (fade(40), "fade"),
    "last third cut": (cut(0.33), "dead_tail"),
    "silence": (silence, "silent"),
    "white noise": (noise("white"), "noise"),
    "pink noise": (noise("pink"), "noise"),
    "dissolves into noise": (dissolve(0.45), "noise"),
    "shuffled frames": (shuffle_frames, "incoherent"),
    "loop of 0.25 s": (stuck(0.25), "short_loop"),
    "loop of 0.5 s": (stuck(0.5), "short_loop"),
    "drone": (drone, "drone"),
    "clipped 9 dB": (clip(9), "clipping"),
    "overdriven": (overdrive, "overdriven"),
    "DC 0.03": (offset(0.03), "dc_offset"),
    "mono": (mono, "mono"),
    "antiphase": (antiphase, "antiphase"),
    "right channel dead": (dead_right, "dead_channel"),
    "half as long": (half, "short"),
    "NaN": (broken, "not_finite"),
}

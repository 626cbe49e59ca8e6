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


def noise_between(start: float, end: float) -> Failure:
    def make(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        at = np.arange(len(x))[:, None] / len(x)
        return np.where((at >= start) & (at < end), noise("pink")(x, rate, rng), x)

    return make


def noise_band(low: float, high: float) -> Failure:
    def make(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        spectrum = np.fft.rfft(rng.standard_normal(x.shape), axis=0)
        hertz = np.fft.rfftfreq(len(x), 1 / rate)
        spectrum[(hertz < low) | (hertz > high)] = 0
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


def nearly_stuck(seconds: float) -> Failure:
    """Each turn at another level, ±0.7 dB, and in noise 25 dB under it."""

    def make(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
        first, size = int(0.2 * len(x)), int(seconds * rate)
        out, piece = [x[:first]], x[first : first + size]
        for _ in range(len(x) // size + 1):
            hiss = 0.056 * _rms(piece) * rng.standard_normal(piece.shape)
            out.append(piece * 10 ** (rng.uniform(-0.7, 0.7) / 20) + hiss)
        return np.concatenate(out)[: len(x)]

    return make


def freeze(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """From the middle on the loudest moment's spectrum, its phases moving on evenly."""
    size, half = rate // 16, len(x) // 2
    starts = range(half, half + rate, size // 2)
    loudest = max(starts, key=lambda start: _rms(x[start : start + size]))
    gate = np.hanning(size)[:, None]
    spectrum = np.fft.rfft(gate * x[loudest : loudest + size], axis=0)
    turn = np.exp(2j * np.pi * rng.uniform(0, 1, (len(spectrum), 1)))
    out = np.zeros_like(x)
    for start in range(half, len(x) - size, size // 2):
        out[start : start + size] += gate * np.fft.irfft(spectrum, size, axis=0)
        spectrum = spectrum * turn
    out[half:] *= _rms(x[:half]) / _rms(out[half:])
    out[:half] = x[:half]
    return out


def stutter(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    out, size = x.copy(), int(0.09 * rate)
    for place in (0.2, 0.5, 0.8):
        near = range(int(place * len(x)), int(place * len(x)) + rate // 2, size // 2)
        start = max(near, key=lambda at: _rms(np.diff(x[at : at + size], axis=0)))
        out[start + size : start + 7 * size] = np.tile(x[start : start + size], (6, 1))[: len(x) - start - size]
    return out


def holes(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    out, size = x.copy(), int(0.05 * rate)
    for place in range(6):
        near = range(int((place + 0.2) * len(x) / 6), int((place + 0.8) * len(x) / 6), size // 4)
        start = max(near, key=lambda at: _rms(x[at - size // 5 : at]) * _rms(x[at + size : at + size + size // 5]))
        out[start : start + size] = 0
    return out


def mains(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(len(x)) / rate
    tone = sum(np.sin(2 * np.pi * 50 * k * time + k) / k for k in (1, 2, 3, 5))
    return x + (0.3 * _rms(x) * tone / _rms(tone))[:, None]


def treble_cut(x: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(x, axis=0)
    spectrum[np.fft.rfftfreq(len(x), 1 / rate) > 3000] = 0
    return np.fft.irfft(spectrum, len(x), axis=0)


def quieter(decibels: float) -> Failure:
    return lambda x, rate, rng: x * 10 ** (-decibels / 20)


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
    "noise in the first half": (noise_between(0, 0.5), "noise"),
    "noise in the middle": (noise_between(0.3, 0.7), "noise"),
    "a band of noise": (noise_band(500, 2500), "noise"),
    "shuffled frames": (shuffle_frames, "incoherent"),
    "loop of 0.25 s": (stuck(0.25), "short_loop"),
    "loop of 0.5 s": (stuck(0.5), "short_loop"),
    "nearly a loop of 0.5 s": (nearly_stuck(0.5), "short_loop"),
    "drone": (drone, "drone"),
    "frozen": (freeze, "frozen"),
    "stutter": (stutter, "stutter"),
    "holes": (holes, "dropouts"),
    "no treble": (treble_cut, "dull"),
    "clipped 9 dB": (clip(9), "clipping"),
    "overdriven": (overdrive, "overdriven"),
    "DC 0.03": (offset(0.03), "dc_offset"),
    "mono": (mono, "mono"),
    "antiphase": (antiphase, "antiphase"),
    "right channel dead": (dead_right, "dead_channel"),
    "half as long": (half, "short"),
    "NaN": (broken, "not_finite"),
}

#: Failures that are told over nine seconds and more.
EXPECTED_IN_LONG_CLIPS: dict[str, tuple[Failure, str]] = {"hum": (mains, "hum")}

#: Failures that only a person's own clips can tell.
EXPECTED_BESIDE_CLIPS: dict[str, tuple[Failure, str]] = {
    "20 dB quieter": (quieter(20), "level"),
    "last 1.1 s cut": (cut(1.1 / 8), "dead_tail"),
    "less treble": (treble_cut, "dull"),
}

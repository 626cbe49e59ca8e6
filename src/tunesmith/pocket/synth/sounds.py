"""The instruments: every sound is a short mono array made from sines and noise, so nothing has to be downloaded."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Wave = npt.NDArray[np.float64]


def hertz(note: float) -> float:
    """Frequency of a MIDI note number (69 is 440 Hz, equal temperament)."""
    return float(440.0 * 2.0 ** ((note - 69.0) / 12.0))


def decay(length: int, rate: int, seconds: float, attack: float = 0.002) -> Wave:
    """An envelope of ``length`` samples: straight rise over ``attack`` seconds, then a fall with time constant."""
    envelope = np.exp(-np.arange(length) / (rate * seconds))
    rise = min(length, max(1, int(attack * rate)))
    envelope[:rise] *= np.linspace(0.0, 1.0, rise)
    return _release(envelope, rate)


def gate(length: int, rate: int, attack: float, release: float) -> Wave:
    """A held envelope of ``length`` samples with straight rise and fall, in seconds."""
    time = np.arange(length) / rate
    return np.minimum(1.0, np.minimum(time / max(attack, 1e-4), (length / rate - time) / max(release, 1e-4)))


def harmonics(frequency: float, length: int, rate: int, weights: list[float], detune: float = 0.0) -> Wave:
    """Sum of harmonics below 45 % of the rate; ``detune`` (cents) adds a second, slightly sharp voice."""
    time = np.arange(length) / rate
    out = np.zeros(length)
    for ratio in (1.0, 2.0 ** (detune / 1200.0)) if detune else (1.0,):
        for number, weight in enumerate(weights, 1):
            if frequency * ratio * number < 0.45 * rate:
                out += weight * np.sin(2 * np.pi * frequency * ratio * number * time)
    return out / 2 if detune else out


def saw(count: int, tilt: float = 1.0) -> list[float]:
    """Harmonic weights of a saw-tooth; a larger ``tilt`` is darker."""
    return [1.0 / n**tilt for n in range(1, count + 1)]


def square(count: int) -> list[float]:
    """Harmonic weights of a square wave (odd harmonics only)."""
    return [1.0 / n if n % 2 else 0.0 for n in range(1, count + 1)]


def band_noise(length: int, rate: int, low: float, high: float, rng: np.random.Generator) -> Wave:
    """White noise kept between ``low`` and ``high`` Hz with soft edges, at unit rms."""
    size = max(64, 1 << (length - 1).bit_length())
    spectrum = np.fft.rfft(rng.standard_normal(size))
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1e-3)
    spectrum *= 1.0 / np.sqrt((1 + (low / frequency) ** 8) * (1 + (frequency / high) ** 8))
    noise = np.fft.irfft(spectrum, size)[:length]
    unit: Wave = noise / (np.sqrt(np.mean(noise**2)) + 1e-9)
    return unit


def kick(rate: int, top: float = 130.0, bottom: float = 48.0, seconds: float = 0.12) -> Wave:
    """A drum whose pitch falls from ``top`` to ``bottom`` Hz."""
    length = int(rate * seconds * 2.5)
    frequency = bottom + (top - bottom) * np.exp(-np.arange(length) / (rate * 0.025))
    return np.sin(2 * np.pi * np.cumsum(frequency) / rate) * decay(length, rate, seconds, 0.001)


def sub_bass(note: float, seconds: float, rate: int, glide: float = 0.0, drive: float = 1.8) -> Wave:
    """The 808: a driven sine with a pitch drop at the attack that slides by ``glide`` semitones while it rings."""
    length = int(rate * seconds)
    time = np.arange(length) / rate
    slide = 2.0 ** (glide / 12.0 * np.clip((time / seconds - 0.35) / 0.35, 0, 1))
    phase = 2 * np.pi * np.cumsum(hertz(note) * slide * (1 + 1.5 * np.exp(-time / 0.014))) / rate
    wave: Wave = np.tanh(drive * np.sin(phase)) / np.tanh(drive) * decay(length, rate, max(0.25, 0.7 * seconds), 0.003)
    return wave


def clap(rate: int, rng: np.random.Generator) -> Wave:
    """Three quick bursts and a short tail of mid-band noise."""
    length = int(0.24 * rate)
    out = np.zeros(length)
    for start, weight in ((0.0, 0.6), (0.011, 0.7), (0.023, 1.0)):
        first = int(start * rate)
        burst = band_noise(length - first, rate, 900, 6500, rng)
        out[first:] += weight * burst * decay(length - first, rate, 0.055 if weight == 1.0 else 0.006, 0.001)
    return 0.4 * out


def snare(rate: int, rng: np.random.Generator) -> Wave:
    """Noise above a short 185 Hz body."""
    length = int(0.2 * rate)
    body = np.sin(2 * np.pi * 185 * np.arange(length) / rate) * decay(length, rate, 0.05, 0.001)
    return 0.35 * band_noise(length, rate, 500, 7000, rng) * decay(length, rate, 0.06, 0.001) + 0.6 * body


def hat(rate: int, rng: np.random.Generator, seconds: float = 0.03) -> Wave:
    """A cymbal tick: noise above 4 kHz."""
    length = int(rate * seconds * 4)
    return 0.4 * band_noise(length, rate, 4200, 0.42 * rate, rng) * decay(length, rate, seconds, 0.001)


def bell(note: float, rate: int, seconds: float = 0.3) -> Wave:
    """Two-operator frequency modulation with an inharmonic ratio, as in a music box."""
    return _fm(note, rate, seconds, ratio=3.01, index=1.2)


def electric_piano(note: float, rate: int, seconds: float = 0.5, brightness: float = 1.0) -> Wave:
    """Two-operator frequency modulation at ratio one: a tine piano."""
    return _fm(note, rate, seconds, ratio=1.0, index=1.6 * brightness)


def pluck(note: float, rate: int, seconds: float, weights: list[float], detune: float = 0.0) -> Wave:
    """A struck note with the given harmonics."""
    length = int(rate * seconds * 3)
    return harmonics(hertz(note), length, rate, weights, detune) * decay(length, rate, seconds, 0.003)


def held(note: float, seconds: float, rate: int, weights: list[float], attack: float, detune: float = 7.0) -> Wave:
    """A sustained note with soft edges, for pads and basses."""
    length = int(rate * seconds)
    return harmonics(hertz(note), length, rate, weights, detune) * gate(length, rate, attack, attack)


def _fm(note: float, rate: int, seconds: float, ratio: float, index: float) -> Wave:
    length = int(rate * seconds * 3.2)
    time = np.arange(length) / rate
    modulator = index * np.sin(2 * np.pi * ratio * hertz(note) * time) * np.exp(-time / (0.45 * seconds))
    return np.sin(2 * np.pi * hertz(note) * time + modulator) * decay(length, rate, seconds, 0.002)


def _release(envelope: Wave, rate: int) -> Wave:
    """Close the last 5 ms, so that a cut sound does not click."""
    fall = min(len(envelope), max(1, int(0.005 * rate)))
    envelope[-fall:] *= np.linspace(1.0, 0.0, fall)
    return envelope

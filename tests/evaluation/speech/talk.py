"""A talking machine for tests: one vowel per syllable, a pause per comma, a voice of its own pitch and formants."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from io import BytesIO

import numpy as np
import pytest
import soundfile

from tunesmith.audio.resample import resample
from tunesmith.speech.syllables import syllables

RATE = 16_000
ESPEAK = shutil.which("espeak-ng")
needs_espeak = pytest.mark.skipif(ESPEAK is None, reason="espeak-ng is not installed")
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (660, 1720, 2410),
)


@dataclass(frozen=True)
class Voice:
    """Pitch in Hz, formant shift, tilt of the spectrum in dB per octave."""

    pitch: float = 120.0
    shift: float = 1.0
    tilt: float = -6.0


LOW, HIGH = Voice(), Voice(220.0, 1.25, -10.0)


def talk(text: str, voice: Voice = LOW, pace: float = 0.18, pause: float = 0.3, seed: int = 0) -> np.ndarray:
    """(1, N) float32 at 16 kHz: 0.1 s of silence, each clause at ``pace`` seconds a syllable, pauses between them."""
    rng, parts = np.random.default_rng(seed), [np.zeros(int(0.1 * RATE))]
    for clause in (c for c in text.replace("，", ",").replace(".", ",").split(",") if c.strip()):
        parts += [_syllable(clause, i, voice, pace, rng) for i in range(syllables(clause))]
        parts.append(np.zeros(int(pause * RATE)))
    made = np.concatenate(parts)
    made = 0.3 * made / max(np.abs(made).max(), 1e-9) + 1e-5 * rng.standard_normal(len(made))
    return made[None].astype(np.float32)


def _syllable(clause: str, index: int, voice: Voice, pace: float, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(int(pace * RATE)) / RATE
    formants = np.array(VOWELS[(sum(map(ord, clause)) + 7 * index) % len(VOWELS)]) * voice.shift
    pitch = voice.pitch * (1 + 0.1 * np.sin(index + rng.uniform(0, 1)))
    made = np.zeros(len(time))
    for k in range(1, int(7000 / pitch)):
        gain = sum(1 / (1 + ((k * pitch - f) / 90) ** 2) for f in formants) + 0.002
        made += gain * 10 ** (voice.tilt * np.log2(k) / 20) * np.sin(2 * np.pi * k * pitch * time + k)
    breath = 0.02 * np.abs(made).max() * rng.standard_normal(len(time))
    shape = np.minimum(1, np.minimum(time, time[-1] - time) / 0.03)
    return (made + breath) * (0.25 + 0.75 * shape)


def espeak(text: str, voice: str = "en-us", speed: int = 170, rate: int = 24_000) -> np.ndarray:
    """(1, N) float32 of espeak-ng."""
    command = [str(ESPEAK), "-v", voice, "-s", str(speed), "--stdout", text]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    audio, own = soundfile.read(BytesIO(made), dtype="float32")
    return resample(audio[None], own, rate)

"""Real sound for tests: short phrases of plucked notes, different for every seed, written as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 16_000


def phrase(seed: int, seconds: float = 8.0, rate: int = RATE) -> np.ndarray:
    """Decaying tones at random pitches and times plus soft noise, float32 (frames,), peak 0.5."""
    rng = np.random.default_rng(seed)
    sound = 0.002 * rng.standard_normal(round(seconds * rate))
    for start in np.arange(0, seconds - 0.3, rng.uniform(0.18, 0.3)):
        first = round(start * rate)
        time = np.arange(min(round(0.5 * rate), len(sound) - first)) / rate
        pitch = 220 * 2 ** (rng.integers(0, 36) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in (1, 2, 3))
        sound[first : first + len(time)] += rng.uniform(0.5, 1.0) * tone * np.exp(-6 * time)
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)


def save(path: Path, sound: np.ndarray, rate: int = RATE, **how: str) -> Path:
    """Write (frames,) or (frames, channels)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, sound, rate, **how)
    return path

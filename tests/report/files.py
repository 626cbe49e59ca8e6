"""Audio and JSON for the run folders of these tests."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


def beat(seconds: float, seed: int = 0, fade_db: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """A drum-like loop over a bass note: (N,) float32, optionally fading or noisy."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    beat_s = 0.5 + 0.02 * seed
    kick = np.sin(2 * np.pi * 55 * t) * np.exp(-(t % beat_s) * 7)
    hats = rng.standard_normal(t.size) * np.exp(-(t % (beat_s / 4)) * 60) * 0.25
    lead = 0.2 * np.sign(np.sin(2 * np.pi * (220 * 2 ** (np.floor(t / beat_s) % 5 / 12)) * t))
    x = 0.5 * kick + 0.3 * hats + 0.3 * lead + noise * rng.standard_normal(t.size)
    return (0.6 * x * 10 ** (fade_db * t / seconds / 20)).astype(np.float32)


def write(path: Path, audio: np.ndarray, rate: int = RATE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, audio, rate)


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")

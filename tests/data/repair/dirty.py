"""A folder of clips with one fault each, and clean ones beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.data.sounds import RATE, phrase, save

SECONDS = 6.0
CLEAN = ("a.wav", "b.wav", "c.wav", "d.wav", "e.wav")


def stereo(seed: int) -> np.ndarray:
    """(N, 2) of a phrase, wide."""
    left = phrase(seed, SECONDS)
    return np.stack([left, 0.8 * left + 0.2 * phrase(seed + 500, SECONDS)], axis=1)


def make_dirty(folder: Path) -> Path:
    """Clips in a folder, each with its caption beside it."""
    for number, name in enumerate(CLEAN):
        save(folder / name, stereo(number), subtype="PCM_24" if number else "PCM_16")
    silence = np.zeros(round(2.5 * RATE), np.float32)
    wide = stereo(20)
    holes = phrase(21, SECONDS)
    holes[[100, 5000, 5001, 5002]] = np.nan
    lost = phrase(22, SECONDS)
    lost[20_000:30_000] = np.inf
    faults = {
        "offset.wav": stereo(10) + 0.05,
        "ends.wav": np.concatenate([silence, phrase(11, SECONDS), silence]),
        "offset_ends.wav": np.concatenate([silence, phrase(12, SECONDS), silence]) + np.float32(0.04),
        "loud.wav": 1.9 * stereo(13),
        "quiet.wav": 0.12 * stereo(14),
        "dead.wav": np.stack([np.zeros_like(wide[:, 0]), wide[:, 0]], axis=1),
        "same.wav": np.stack([phrase(15, SECONDS)] * 2, axis=1),
        "anti.wav": np.stack([phrase(16, SECONDS), -0.95 * phrase(16, SECONDS)], axis=1),
        "copy.wav": stereo(1),
        "clipped.wav": np.clip(6 * phrase(17, SECONDS), -0.5, 0.5),
    }
    for name, sound in faults.items():
        save(folder / name, sound, subtype="PCM_24")
    save(folder / "holes.wav", holes, subtype="FLOAT")
    save(folder / "lost.wav", lost, subtype="FLOAT")
    (folder / "broken.wav").write_bytes(b"RIFF\x00\x00\x00\x00WAVEjunk" + bytes(64))
    for path in folder.glob("*.wav"):
        path.with_suffix(".txt").write_text(f"caption of {path.stem}\n", encoding="utf-8")
    return folder

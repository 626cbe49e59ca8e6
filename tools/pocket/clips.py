"""Makes the example clips that ship: pieces of tracks in the 808 trap style, as Vorbis, with their captions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.files import write_json
from tunesmith.pocket.examples import RATE, fade, write_clip
from tunesmith.pocket.synth import EXAMPLE_STYLE, render

TRACKS = (
    "night-drive", "cold-steps", "low-gravity", "glass-bells", "basement", "red-line", "slow-motion", "after-rain",
    "iron-door", "velvet-sub", "static-moon", "side-street", "deep-end", "paper-crown", "last-train", "black-ice",
)  # fmt: skip
FIRST_SEED = 9000  # of the shipped tracks; examples made on demand start elsewhere


@dataclass(frozen=True)
class Cut:
    """A piece of a track: ``start`` and ``length`` in seconds."""

    name: str
    track_seed: int
    start: float
    length: float
    stereo: bool


def shipped_cuts() -> list[Cut]:
    """Which pieces of which tracks ship: one or two of each, 6 to 12 s long."""
    cuts = []
    for number, name in enumerate(TRACKS):
        for part in range(2 if number % 8 < 5 else 1):
            rng = np.random.default_rng([number, part])
            length = float(np.round(rng.uniform(6.0, 12.0), 2))
            start = part * 16.0 + int(rng.integers(0, 280)) / 80  # on the grid of the tempos
            cuts.append(Cut(f"{name}-{number + 1:02d}{'ab'[part]}", FIRST_SEED + number, start, length, number % 3 > 0))
    return cuts


def write_shipped_clips(folder: Path, compression: float = 0.45) -> list[Path]:
    """Render the shipped clips into ``folder`` as Vorbis, with a ``metadata.json``."""
    tracks = {cut.track_seed: render(EXAMPLE_STYLE, 32.0, cut.track_seed, RATE) for cut in shipped_cuts()}
    paths, rows = [], []
    for cut in shipped_cuts():
        track = tracks[cut.track_seed]
        audio = fade(track.audio[round(cut.start * RATE) : round((cut.start + cut.length) * RATE)])
        path = folder / "train" / f"{cut.name}.ogg"
        write_clip(path, audio if cut.stereo else audio.mean(axis=1), compression)
        paths.append(path)
        rows.append({"audio": f"train/{path.name}", "text": track.caption})
    write_json(folder / "metadata.json", rows)
    return paths

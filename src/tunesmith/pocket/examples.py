"""Example clips in the 808 trap style: those that ship, fresh ones on demand, and bad ones to be found."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path, read_json, write_json
from tunesmith.pocket.synth import EXAMPLE_STYLE, render

RATE = 32000
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


def is_pocket(path: str) -> bool:
    """Whether a model path names one that ships: ``pocket`` (MusicGen's) or ``pocket/<family>``."""
    return path == "pocket" or path.startswith("pocket/")


def pocket_path(name: str = "musicgen") -> Path:
    """The folder of a checkpoint that ships, in the format of its family.

    Raises:
        TunesmithError: when this installation has none of that name.
    """
    path = Path(__file__).parent / name
    if not (path / "NUMBERS.md").is_file():  # written last by every build
        raise TunesmithError(
            f"there is no pocket checkpoint {name!r}", where=str(path), remedy=f"Run: tunesmith pocket build {name}"
        )
    return path


def example_clips(family: str = "musicgen") -> Path:
    """The folder of a family's shipped clips, 808 beats or a voice: ``metadata.json`` and audio in ``train/``.

    Raises:
        TunesmithError: when this installation came without them.
    """
    own = pocket_path("step_audio") / "examples" / "voice" if family == "step_audio" else None
    return _shipped(own or Path(__file__).parent / "clips" / "808", "metadata.json")


def example_edits() -> Path:
    """The folder of shipped edits of the example voice: ``edits.jsonl`` and its audio.

    Raises:
        TunesmithError: when this installation came without them.
    """
    return _shipped(pocket_path("step_audio") / "examples" / "edits", "edits.jsonl")


def _shipped(path: Path, listed: str) -> Path:
    if not (path / listed).is_file():
        raise TunesmithError(
            "the example clips are missing", where=str(path), remedy="Install tunesmith again, with its data files."
        )
    return path


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
        audio = _fade(track.audio[round(cut.start * RATE) : round((cut.start + cut.length) * RATE)])
        path = folder / "train" / f"{cut.name}.ogg"
        _write(path, audio if cut.stereo else audio.mean(axis=1), compression)
        paths.append(path)
        rows.append({"audio": f"train/{path.name}", "text": track.caption})
    write_json(folder / "metadata.json", rows)
    return paths


def make_examples(folder: Path, num_samples: int = 20, seed: int = 0) -> list[Path]:
    """Render ``num_samples`` new clips with captions into ``folder``, ready to be prepared and trained on.

    Every clip is a piece of its own, 6 to 12 s, WAV at 32 kHz in ``train/``; captions are in ``metadata.json``.

    Raises:
        TunesmithError: when ``num_samples`` is not positive or the folder cannot be written.
    """
    if num_samples < 1:
        raise TunesmithError(f"{num_samples} example clips cannot be made", remedy="Ask for one or more.")
    paths, rows = [], []
    for number in range(num_samples):
        rng = np.random.default_rng([seed, number])
        seconds = float(np.round(rng.uniform(6.0, 12.0), 2))
        clip = render(EXAMPLE_STYLE, seconds, 10_000_000 + 10_000 * seed + number, RATE)
        path = folder / "train" / f"example-{number + 1:03d}.wav"
        _write(path, _fade(clip.audio))
        paths.append(path)
        rows.append({"audio": f"train/{path.name}", "text": clip.caption})
    write_json(folder / "metadata.json", rows)
    return paths


def plant_bad_clips(folder: Path) -> list[Path]:
    """Add two clips that a check has to find: one that is almost all silence, one that copies another clip.

    Args:
        folder: A copy of the example clips, with ``metadata.json``; the two are listed there too.

    Raises:
        TunesmithError: when ``folder`` has no ``metadata.json`` or lists no clip.
    """
    import soundfile

    rows: list[dict[str, Any]] = read_json(folder / "metadata.json")
    if not rows:
        raise TunesmithError("there is no clip to copy", where=str(folder / "metadata.json"), remedy="Add clips first.")
    audio, rate = soundfile.read(folder / rows[0]["audio"], dtype="float32")
    silent = np.zeros(round(8.0 * rate), dtype=np.float32)
    sound = audio if audio.ndim == 1 else audio.mean(axis=1)
    silent[: round(0.5 * rate)] = 0.5 * sound[: round(0.5 * rate)]
    planted = [folder / "train" / "forgotten-take.flac", folder / "train" / "final-mix-copy.flac"]
    _write(planted[0], silent, rate=rate)
    _write(planted[1], audio, rate=rate)
    kept = [row for row in rows if row["audio"] not in {f"train/{path.name}" for path in planted}]
    texts = (rows[-1]["text"], rows[0]["text"])
    kept += [rows[0] | {"audio": f"train/{p.name}", "text": text} for p, text in zip(planted, texts, strict=True)]
    write_json(folder / "metadata.json", kept)
    return planted


def _fade(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Ten milliseconds at either end, so that a cut inside a note does not click."""
    ramp = np.linspace(0.0, 1.0, RATE // 100, dtype=np.float32)[:, None]
    out = audio.copy()
    out[: len(ramp)] *= ramp
    out[-len(ramp) :] *= ramp[::-1]
    return out


def _write(path: Path, audio: npt.NDArray[np.float32], compression: float | None = None, rate: int = RATE) -> None:
    """Write by extension, in blocks: libsndfile's Vorbis encoder overflows the stack on long single writes."""
    import soundfile

    channels = 1 if audio.ndim == 1 else audio.shape[1]
    options: dict[str, Any] = {} if compression is None else {"compression_level": compression}
    with atomic_path(path) as temporary, soundfile.SoundFile(temporary, "w", rate, channels, **options) as file:
        for first in range(0, len(audio), 8192):
            file.write(audio[first : first + 8192])

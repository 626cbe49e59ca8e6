"""Example clips in the 808 trap style made on demand, and bad ones to be found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path, read_json, write_json
from tunesmith.pocket.synth import EXAMPLE_STYLE, render
from tunesmith.texts import msg

RATE = 32000


def make_examples(folder: Path, num_samples: int = 20, seed: int = 0) -> list[Path]:
    """Render ``num_samples`` new clips with captions into ``folder``, ready to be prepared and trained on.

    Every clip is a piece of its own, 6 to 12 s, WAV at 32 kHz in ``train/``; captions are in ``metadata.json``.

    Raises:
        TunesmithError: when ``num_samples`` is not positive or the folder cannot be written.
    """
    if num_samples < 1:
        raise TunesmithError(
            msg("{count} example clips cannot be made", count=num_samples),
            remedy=msg("Ask for one or more."),
        )
    paths, rows = [], []
    for number in range(num_samples):
        rng = np.random.default_rng([seed, number])
        seconds = float(np.round(rng.uniform(6.0, 12.0), 2))
        clip = render(EXAMPLE_STYLE, seconds, 10_000_000 + 10_000 * seed + number, RATE)
        path = folder / "train" / f"example-{number + 1:03d}.wav"
        write_clip(path, fade(clip.audio))
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
        raise TunesmithError(
            msg("there is no clip to copy"), where=str(folder / "metadata.json"), remedy=msg("Add clips first.")
        )
    audio, rate = soundfile.read(folder / rows[0]["audio"], dtype="float32")
    silent = np.zeros(round(8.0 * rate), dtype=np.float32)
    sound = audio if audio.ndim == 1 else audio.mean(axis=1)
    silent[: round(0.5 * rate)] = 0.5 * sound[: round(0.5 * rate)]
    planted = [folder / "train" / "forgotten-take.flac", folder / "train" / "final-mix-copy.flac"]
    write_clip(planted[0], silent, rate=rate)
    write_clip(planted[1], audio, rate=rate)
    kept = [row for row in rows if row["audio"] not in {f"train/{path.name}" for path in planted}]
    texts = (rows[-1]["text"], rows[0]["text"])
    kept += [rows[0] | {"audio": f"train/{p.name}", "text": text} for p, text in zip(planted, texts, strict=True)]
    write_json(folder / "metadata.json", kept)
    return planted


def fade(audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Ten milliseconds at either end, so that a cut inside a note does not click."""
    ramp = np.linspace(0.0, 1.0, RATE // 100, dtype=np.float32)[:, None]
    out = audio.copy()
    out[: len(ramp)] *= ramp
    out[-len(ramp) :] *= ramp[::-1]
    return out


def write_clip(path: Path, audio: npt.NDArray[np.float32], compression: float | None = None, rate: int = RATE) -> None:
    """Write by extension, in blocks: libsndfile's Vorbis encoder overflows the stack on long single writes."""
    import soundfile

    channels = 1 if audio.ndim == 1 else audio.shape[1]
    options: dict[str, Any] = {} if compression is None else {"compression_level": compression}
    with atomic_path(path) as temporary, soundfile.SoundFile(temporary, "w", rate, channels, **options) as file:
        for first in range(0, len(audio), 8192):
            file.write(audio[first : first + 8192])

"""Write sound piece by piece as it was stored: what is not changed stays equal, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.audio import containers
from tunesmith.audio.parts import stream_parts
from tunesmith.audio.sound import Sound
from tunesmith.audio.write import opened_to_write

_SUFFIXES = {
    "WAV": ".wav", "WAVEX": ".wav", "RF64": ".rf64", "W64": ".w64", "AIFF": ".aiff", "AU": ".au", "CAF": ".caf",
    "FLAC": ".flac",
}  # fmt: skip
"""Containers that lose nothing, and what a new file of theirs is called."""
_FLOAT = "FLOAT"
_KEPT = frozenset({"PCM_16", "PCM_24", "PCM_32", _FLOAT})
_WIDENED = {"DOUBLE": _FLOAT, "ALAC_20": "PCM_24", "ALAC_24": "PCM_24", "ALAC_32": "PCM_32"}
_BLOCK_FRAMES = 1 << 18


@dataclass(frozen=True)
class SampleFormat:
    """How the samples of a file are stored.

    Attributes:
        suffix: What a new file of this kind is called.
        container: As libsndfile names it (``WAV``).
        subtype: How a sample is stored (``PCM_16``).
        keeps_name: Whether a file of the source's own name may hold it.
    """

    suffix: str
    container: str
    subtype: str
    keeps_name: bool = True

    @property
    def holds_any_peak(self) -> bool:
        """Whether samples beyond full scale are kept."""
        return self.subtype == _FLOAT


DECODED = SampleFormat(".flac", "FLAC", "PCM_24", keeps_name=False)
"""For what was decoded from a lossy file: a second lossy encoding would take away more of it."""


def sample_format(path: Path) -> SampleFormat:
    """The format in which changed or cut sound of a readable file is written: its own where that loses nothing.

    Samples of 8 bit, µ-law and the like are widened to 16 bit, those of 64 bit are narrowed to what is decoded of them.
    """
    if containers.demuxer(path, containers.read_head(path)) is not None:
        return DECODED
    with closing(Sound(path, stream_parts(path))) as sound:
        container, subtype = sound.format, sound.subtype
    if container not in _SUFFIXES:
        return DECODED
    stored = subtype if subtype in _KEPT else _WIDENED.get(subtype, "PCM_16")
    return SampleFormat(_SUFFIXES[container], container, stored)


@contextmanager
def sound_writer(
    path: Path, sample_rate: int, channels: int, form: SampleFormat
) -> Iterator[Callable[[np.ndarray], int]]:
    """A function that writes the next piece, float32 (channels, frames), and returns how many samples were clipped.

    The file takes its name when the block succeeds.

    Args:
        path: The file.
        sample_rate: In Hz.
        channels: How many.
        form: How the samples are stored.

    Raises:
        TunesmithError: for a rate or channel count that the format does not take, or a disk that cannot be written.
    """
    with opened_to_write(path, sample_rate, channels, form.container, form.subtype) as file:

        def write(piece: np.ndarray) -> int:
            for start in range(0, piece.shape[1], _BLOCK_FRAMES):
                file.write(np.ascontiguousarray(piece[:, start : start + _BLOCK_FRAMES].T))
            return 0 if form.holds_any_peak else int(np.count_nonzero(np.abs(piece) > 1.0))

        yield write

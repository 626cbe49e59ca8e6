"""Write sound files that are complete or absent, and say how many samples did not fit."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.audio.sound import openable
from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_path
from tunesmith.texts import msg

if TYPE_CHECKING:
    import soundfile

_FORMATS = {
    ".wav": ("WAV", "PCM_16"),
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
    ".ogg": ("OGG", "VORBIS"),
}
_BLOCK_SECONDS = 10  # libsndfile 1.2.2 crashes when a minute or more of Ogg is written in one call


def write(path: str | Path, audio: np.ndarray, sample_rate: int) -> int:
    """Write ``audio`` in the format its suffix names (.wav, .flac, .mp3, .ogg), 16 bit where that applies.

    Args:
        path: The file; its folder is made when missing.
        audio: float (channels, frames) or (frames,), full scale at -1..1.
        sample_rate: In Hz.

    Returns:
        How many samples lay beyond full scale and were clipped; 0 is the good answer.

    Raises:
        TunesmithError: for an unknown suffix, samples that are not numbers, a rate or channel count that the format
            does not take, or a disk that cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() not in _FORMATS:
        raise TunesmithError(
            msg("cannot write {suffix}", suffix=path.suffix or msg("a file without suffix")),
            where=str(path),
            remedy=msg("Use {formats}.", formats=tuple(_FORMATS)),
        )
    audio = np.atleast_2d(np.asarray(audio, dtype=np.float32))
    if not np.isfinite(audio).all():
        raise TunesmithError(msg("the sound holds samples that are not numbers; nothing was written"), where=str(path))
    clipped = int(np.count_nonzero(np.abs(audio) > 1.0))
    frames = np.clip(audio, -1.0, 1.0).T if clipped else audio.T
    step = _BLOCK_SECONDS * sample_rate
    with opened_to_write(path, sample_rate, frames.shape[1], *_FORMATS[path.suffix.lower()]) as file:
        for start in range(0, len(frames), step):
            file.write(np.ascontiguousarray(frames[start : start + step]))
    return clipped


@contextmanager
def opened_to_write(
    path: Path, sample_rate: int, channels: int, container: str, subtype: str
) -> Iterator[soundfile.SoundFile]:
    """A sound file to be written piece by piece, which takes its name when the block succeeds.

    Args:
        path: The file; its folder is made when missing.
        sample_rate: In Hz.
        channels: How many.
        container: As libsndfile names it (``WAV``).
        subtype: How a sample is stored (``PCM_16``).

    Raises:
        TunesmithError: for a rate or channel count that the format does not take, or a disk that cannot be written.
    """
    import soundfile

    with atomic_path(path) as temporary:
        name = openable(temporary)
        try:
            with soundfile.SoundFile(name, "w", sample_rate, channels, subtype, format=container) as file:
                yield file
        except (soundfile.LibsndfileError, AssertionError) as error:  # the assertion: fewer frames went out than asked
            if shutil.disk_usage(path.parent).free < 1 << 20:
                raise OSError(errno.ENOSPC, "no space left", str(path)) from error
            what = msg(
                "{suffix} cannot be written at {rate} Hz with {channels} channels ({error})",
                suffix=path.suffix,
                rate=sample_rate,
                channels=channels,
                error=error,
            )
            raise TunesmithError(what, where=str(path), remedy=msg("Use .wav.")) from error

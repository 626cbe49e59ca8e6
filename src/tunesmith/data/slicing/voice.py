"""Where nobody speaks and nothing sounds: pauses by level, or by Silero's network where it is installed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from tunesmith.audio.decode import blocks, open_audio
from tunesmith.data.sample import AudioRef
from tunesmith.data.slicing.heard import HOP_S, Heard
from tunesmith.ears.silero import RATE, WINDOW, speech_detector

LEAST_PAUSE_S = 0.25
"""Shorter ones are closures within words."""
_LEAST_SOUND_S = 0.05
_OVER_NOISE_DB, _UNDER_LOUD_DB, _LEAST_UNDER_DB = 6.0, 40.0, 10.0
_SILENT_DB = -60.0

_SPEECH, _NO_SPEECH = 0.5, 0.35

Pause = tuple[float, float]
"""Its beginning and end, in seconds."""


def pauses(heard: Heard) -> list[Pause]:
    """Pauses of a quarter of a second and more, by level: near the noise floor, or far under what is loud.

    The ends of the recording count as pauses, of no length where it begins or ends with sound.
    """
    level = heard.level_db
    audible = level[level > _SILENT_DB - 30]
    if not len(audible) or audible.max() < _SILENT_DB:
        return [(0.0, heard.seconds)]
    floor, loud = np.percentile(level, 10), np.percentile(audible, 95)
    limit = min(max(floor + _OVER_NOISE_DB, loud - _UNDER_LOUD_DB, _SILENT_DB), loud - _LEAST_UNDER_DB)
    return between_sounds(level > limit, HOP_S, heard.seconds)


def between_sounds(sounds: np.ndarray, hop_s: float, seconds: float) -> list[Pause]:
    """Pauses between runs of sound: (T,) whether a frame sounds, one every ``hop_s``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], sounds.astype(np.int8), [0]])))
    runs = [
        (begin * hop_s, end * hop_s)
        for begin, end in zip(edges[::2], edges[1::2], strict=True)
        if (end - begin) * hop_s >= _LEAST_SOUND_S
    ]
    if not runs:
        return [(0.0, seconds)]
    inner = [(a[1], b[0]) for a, b in pairwise(runs) if b[0] - a[1] >= LEAST_PAUSE_S]
    return [(0.0, runs[0][0]), *inner, (min(runs[-1][1], seconds), seconds)]


def silero_pauses(ref: AudioRef, heard: Heard) -> list[Pause] | None:
    """The same by Silero's network; ``None`` where it is not installed, or hears no speech at all.

    Raises:
        TunesmithError: when the installed network is damaged.
    """
    detector = speech_detector()
    if detector is None:
        return None
    speaks, speaking = [], False
    for probability in detector.probabilities(_windows(ref)):
        speaking = probability >= (_NO_SPEECH if speaking else _SPEECH)
        speaks.append(speaking)
    if not any(speaks):
        return None
    return between_sounds(np.array(speaks), WINDOW / RATE, heard.seconds)


def has_silero() -> bool:
    """Whether Silero's network can be used here."""
    return speech_detector() is not None


def _windows(ref: AudioRef) -> Iterator[np.ndarray]:
    import soxr

    with open_audio(ref.path, end=ref.end) as sound:
        stream = soxr.ResampleStream(sound.samplerate, RATE, 1, dtype="float32", quality="MQ")
        resampled: Callable[..., np.ndarray] = stream.resample_chunk
        rest = np.zeros(0, np.float32)
        for block in blocks(sound, ref.path, ref.start, ref.end):
            mono = np.nan_to_num(block.mean(axis=0), nan=0.0, posinf=0.0, neginf=0.0)
            rest = np.concatenate([rest, resampled(mono)])
            count = len(rest) // WINDOW
            yield from rest[: count * WINDOW].reshape(count, WINDOW)
            rest = rest[count * WINDOW :]
        rest = np.concatenate([rest, resampled(np.zeros(0, np.float32), last=True)])
        yield from (
            np.pad(rest[start : start + WINDOW], (0, max(0, start + WINDOW - len(rest))))
            for start in range(0, len(rest), WINDOW)
        )

"""Where nobody speaks and nothing sounds: pauses by level, or by Silero's network where its package is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from tunesmith.audio.decode import blocks, open_audio
from tunesmith.data.sample import AudioRef
from tunesmith.data.slicing.heard import HOP_S, Heard

LEAST_PAUSE_S = 0.25
"""Shorter ones are closures within words."""
_LEAST_SOUND_S = 0.05
_OVER_NOISE_DB, _UNDER_LOUD_DB, _LEAST_UNDER_DB = 6.0, 40.0, 10.0
_SILENT_DB = -60.0

SILERO_FILES = {
    "silero_vad_16k_op15.onnx": "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49",
    "silero_vad.onnx": "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
}
"""The networks that are known, by SHA-256: those of the package silero-vad 6 (MIT)."""
_SILERO_RATE, _SILERO_WINDOW, _SILERO_CONTEXT = 16_000, 512, 64
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

    Source: the network of the package silero-vad, read from its files without importing it.
    """
    session = _silero()
    if session is None:
        return None
    speaks, speaking = [], False
    for probability in _probabilities(session, ref):
        speaking = probability >= (_NO_SPEECH if speaking else _SPEECH)
        speaks.append(speaking)
    if not any(speaks):
        return None
    return between_sounds(np.array(speaks), _SILERO_WINDOW / _SILERO_RATE, heard.seconds)


def has_silero() -> bool:
    """Whether Silero's network can be used here."""
    return _silero() is not None


@lru_cache(maxsize=1)
def _silero() -> Any:
    """An onnxruntime session of a known network; ``None`` without the package, or where none of its files is known."""
    package = find_spec("silero_vad")
    if package is None or find_spec("onnxruntime") is None or not package.submodule_search_locations:
        return None
    for name, digest in SILERO_FILES.items():
        path = Path(next(iter(package.submodule_search_locations))) / "data" / name
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.inter_op_num_threads = options.intra_op_num_threads = 1
            return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return None


def _probabilities(session: Any, ref: AudioRef) -> Iterator[float]:
    """How likely speech is in every 32 ms."""
    state = np.zeros((2, 1, 128), np.float32)
    context = np.zeros(_SILERO_CONTEXT, np.float32)
    rate = np.array(_SILERO_RATE, np.int64)
    for window in _windows(ref):
        samples = np.concatenate([context, window])[None]
        probability, state = session.run(None, {"input": samples, "state": state, "sr": rate})
        context = window[-_SILERO_CONTEXT:]
        yield float(probability.reshape(-1)[0])


def _windows(ref: AudioRef) -> Iterator[np.ndarray]:
    import soxr

    with open_audio(ref.path, end=ref.end) as sound:
        stream = soxr.ResampleStream(sound.samplerate, _SILERO_RATE, 1, dtype="float32", quality="MQ")
        resampled: Callable[..., np.ndarray] = stream.resample_chunk
        rest = np.zeros(0, np.float32)
        for block in blocks(sound, ref.path, ref.start, ref.end):
            mono = np.nan_to_num(block.mean(axis=0), nan=0.0, posinf=0.0, neginf=0.0)
            rest = np.concatenate([rest, resampled(mono)])
            count = len(rest) // _SILERO_WINDOW
            yield from rest[: count * _SILERO_WINDOW].reshape(count, _SILERO_WINDOW)
            rest = rest[count * _SILERO_WINDOW :]
        rest = np.concatenate([rest, resampled(np.zeros(0, np.float32), last=True)])
        yield from (
            np.pad(rest[start : start + _SILERO_WINDOW], (0, max(0, start + _SILERO_WINDOW - len(rest))))
            for start in range(0, len(rest), _SILERO_WINDOW)
        )

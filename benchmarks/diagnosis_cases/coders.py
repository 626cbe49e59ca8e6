"""Sound as a codec gives it back: the pocket MusicGen's tokens, and Opus for what a large codec does."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from diagnosis_cases.material import RATE, Clip
from tunesmith.families.musicgen.config import MusicGenConfig, read_config
from tunesmith.pocket.shipped import pocket_path

OPUS_RATE = 24_000
_OPUS_LEVEL = 0.85  # some 40 kbit/s of stereo


@lru_cache(maxsize=1)
def _pocket() -> tuple[Any, MusicGenConfig]:
    from tunesmith.families.musicgen.weights import load_codec

    config = read_config(pocket_path())
    return load_codec(pocket_path(), config), config


def pocket_rate() -> int:
    """Sample rate of the pocket codec in Hz."""
    return _pocket()[1].sample_rate


def frames(seconds: float) -> int:
    """Frames of the pocket codec."""
    return round(seconds * _pocket()[1].frame_rate)


def tokens_of(cache: Path, clip: Clip) -> np.ndarray:
    """The clip's tokens (K, T), made once."""
    path = cache / "tokens" / f"{clip.name}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, encoded(clip.load(cache)))
    return np.asarray(np.load(path))


def encoded(audio: np.ndarray) -> np.ndarray:
    """Tokens (K, T) of audio (N, C) at :data:`RATE`."""
    from tunesmith.families.musicgen.frontend import audio_codes

    codec, config = _pocket()
    mono = soxr.resample(audio.mean(axis=1), RATE, config.sample_rate)
    return audio_codes(codec, config, mono[None].astype(np.float32))


def decoded(tokens: np.ndarray) -> np.ndarray:
    """Audio (N, 1) at :func:`pocket_rate` of tokens (K, T)."""
    from tunesmith.families.musicgen.frontend import decode_codes

    return decode_codes(*_pocket(), tokens).T


def through_opus(audio: np.ndarray) -> np.ndarray:
    """Audio (N, C) at :data:`RATE` as (N, C) at :data:`OPUS_RATE` after Opus."""
    memory = io.BytesIO()
    lower = np.asarray(soxr.resample(audio, RATE, OPUS_RATE)).reshape(-1, audio.shape[1])
    soundfile.write(memory, lower, OPUS_RATE, format="OGG", subtype="OPUS", compression_level=_OPUS_LEVEL)
    memory.seek(0)
    return np.asarray(soundfile.read(memory, always_2d=True)[0])

"""Clips of the page: as loud as the others of their prompt, so that none is preferred for being louder."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tunesmith.audio.decode import blocks, open_audio
from tunesmith.audio.measure.loudness import FLOOR_LUFS, integrated, loudness_curve
from tunesmith.report.media import data_uri, encode_samples

TARGET_LUFS = -20.0
"""Loud enough for a phone, and low enough that hardly any clip has to be turned up beyond full scale."""
LOWEST_LUFS = -32.0
"""A clip of one loud click would pull the others of its prompt further down; it is left quieter than they are."""
MOST_GAIN_DB = 30.0
"""More would make noise of what is silent."""
MOST_SECONDS = 60.0
"""Of a clip that is heard: longer ones make a page that no mail takes, and a test that nobody ends."""
_PEAK_DB = -1.0


@dataclass(frozen=True)
class HeardClip:
    """A clip as the page has it.

    Attributes:
        source: ``data:`` URI.
        lufs: Integrated loudness of the file (ITU-R BS.1770).
        gain_db: What was added.
        seconds: Its length on the page.
        cut: Whether the file is longer.
    """

    source: str
    lufs: float
    gain_db: float
    seconds: float
    cut: bool


@dataclass(frozen=True)
class _Sound:
    audio: np.ndarray  # (N, C)
    rate: int
    cut: bool
    lufs: float
    peak_db: float


def matched(paths: Mapping[str, Path]) -> tuple[float, dict[str, HeardClip]]:
    """The clips of one prompt, all at the same loudness.

    Args:
        paths: A file for each system.

    Returns:
        The loudness in LUFS, and a clip for each system. It is -20 LUFS, or as much less as the most dynamic clip needs
        to stay 1 dB under full scale. Silence stays silence.

    Raises:
        UnreadableAudioError: for a file that cannot be read.
    """
    sounds = {name: _read(path) for name, path in paths.items()}
    highest = [sound.lufs + _PEAK_DB - sound.peak_db for sound in sounds.values() if sound.lufs > FLOOR_LUFS]
    target = max(min([TARGET_LUFS, *highest]), LOWEST_LUFS)
    return target, {name: _heard(sound, target) for name, sound in sounds.items()}


def _read(path: Path) -> _Sound:
    with open_audio(path) as sound:
        rate, frames = sound.samplerate, sound.frames
        audio = np.concatenate(list(blocks(sound, str(path), end=MOST_SECONDS)), axis=1).T
    audio = np.nan_to_num(audio, nan=0.0, posinf=0.0, neginf=0.0)
    peak = float(np.abs(audio).max(initial=0.0))
    peak_db = 20 * math.log10(peak) if peak > 0 else -math.inf
    return _Sound(audio, rate, frames > len(audio), integrated(loudness_curve(audio, rate)), peak_db)


def _heard(sound: _Sound, target: float) -> HeardClip:
    silent = sound.lufs <= FLOOR_LUFS or math.isinf(sound.peak_db)
    gain = 0.0 if silent else min(target - sound.lufs, _PEAK_DB - sound.peak_db, MOST_GAIN_DB)
    kind, data = encode_samples(sound.audio * np.float32(10 ** (gain / 20)), sound.rate)
    return HeardClip(data_uri(kind, data), sound.lufs, gain, len(sound.audio) / sound.rate, sound.cut)

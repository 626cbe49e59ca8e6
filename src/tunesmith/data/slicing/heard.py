"""What is heard in a recording of any length, in one pass: a few numbers for every hundredth of a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tunesmith.audio.decode import blocks, open_audio
from tunesmith.audio.measure.novelty import FRAMES_PER_SECOND
from tunesmith.audio.measure.spectrum import mel_filterbank, power_frames
from tunesmith.data.sample import AudioRef

RATE = 24_000
HOP_S = 0.01
_WINDOW_S, _PADDED_S = 0.03, 0.032
_TONE_HOP_S, _TONE_WINDOW_S = 0.1, 0.17
HARMONY_TIMES = (_TONE_WINDOW_S / 2 / HOP_S, _TONE_HOP_S / HOP_S)
"""Hundredths of a second to the middle of the first row of harmony, and between its rows."""
_PIECE_S = 10  # spectra of longer pieces take a hundred megabytes
_BANDS, _TIMBRES, _LOW_HZ = 40, 20, 150.0
_FLOOR = 1e-9  # 90 dB under full scale
_TONES = (80.0, 4000.0)


@dataclass(frozen=True)
class Heard:
    """A recording as far as cutting it is concerned; T counts hundredths of a second.

    Attributes:
        seconds: Its length.
        level_db: (T,) level of the mono mix, in dB of full scale.
        onset: (T,) how much the sound rises, dB per frame, mean over bands.
        low_onset: (T,) the same under 150 Hz.
        harmony: (H, 12) how much of each pitch class sounds, ten times a second.
        sections: (S, D) timbre and harmony, two a second, each column centred and scaled.
    """

    seconds: float
    level_db: np.ndarray
    onset: np.ndarray
    low_onset: np.ndarray
    harmony: np.ndarray
    sections: np.ndarray


def listen(ref: AudioRef, advance: Callable[[float], None]) -> Heard:
    """Listen to a file or span; memory grows by about 2 kB for every second of it.

    Args:
        ref: What to listen to.
        advance: Called with the seconds heard since the last call.

    Raises:
        UnreadableAudioError: when it cannot be decoded.
    """
    import soxr

    ear = _Ear()
    with open_audio(ref.path, end=ref.end) as sound:
        rate, frames = sound.samplerate, 0
        stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="MQ")
        for block in blocks(sound, ref.path, ref.start, ref.end):
            mono = np.nan_to_num(block.mean(axis=0), nan=0.0, posinf=0.0, neginf=0.0)
            for start in range(0, len(mono), _PIECE_S * rate):
                ear.add(stream.resample_chunk(mono[start : start + _PIECE_S * rate]))
            frames += block.shape[1]
            advance(block.shape[1] / rate)
        ear.add(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return ear.heard(frames / rate)


@dataclass
class _Ear:
    """Features of the pieces so far, and the samples that the next windows begin with."""

    rest: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    tones_rest: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    levels: list[np.ndarray] = field(default_factory=list)
    onsets: list[np.ndarray] = field(default_factory=list)
    low_onsets: list[np.ndarray] = field(default_factory=list)
    tones: list[np.ndarray] = field(default_factory=list)
    timbres: list[np.ndarray] = field(default_factory=list)
    last: Any = None
    bank: np.ndarray | None = None

    def add(self, mono: np.ndarray) -> None:
        """Take in (N,) at 24 kHz."""
        self._fast(np.concatenate([self.rest, mono]))
        self._tones(np.concatenate([self.tones_rest, mono]))

    def _fast(self, samples: np.ndarray) -> None:
        hop, window = round(HOP_S * RATE), round(_WINDOW_S * RATE)
        count = (len(samples) - window) // hop + 1 if len(samples) >= window else 0
        self.rest = samples[count * hop :]
        if not count:
            return
        samples = samples[: (count - 1) * hop + window]
        frames = power_frames(samples, RATE, _WINDOW_S, HOP_S, padded_s=_PADDED_S)
        pieces = samples[: count * hop].reshape(count, hop)
        self.levels.append(10 * np.log10((pieces**2).mean(axis=1) + 1e-12))
        if self.bank is None:
            self.bank = mel_filterbank(RATE, 2 * (len(frames.frequencies) - 1), _BANDS)
        mel = 10 * np.log10(frames.power @ self.bank + _FLOOR)
        low = 10 * np.log10(frames.power[:, frames.frequencies < _LOW_HZ].sum(axis=1) + _FLOOR)
        first_mel, first_low = (mel[:1], low[:1]) if self.last is None else self.last
        self.onsets.append(np.maximum(np.diff(mel, axis=0, prepend=first_mel), 0).mean(axis=1))
        self.low_onsets.append(np.maximum(np.diff(low, prepend=first_low), 0))
        self.last = mel[-1:], low[-1:]

    def _tones(self, samples: np.ndarray) -> None:
        hop, window = round(_TONE_HOP_S * RATE), round(_TONE_WINDOW_S * RATE)
        count = (len(samples) - window) // hop + 1 if len(samples) >= window else 0
        self.tones_rest = samples[count * hop :]
        if not count:
            return
        frames = power_frames(samples[: (count - 1) * hop + window], RATE, _TONE_WINDOW_S, _TONE_HOP_S)
        inside = (frames.frequencies > _TONES[0]) & (frames.frequencies < _TONES[1])
        pitch = np.round(12 * np.log2(frames.frequencies[inside] / 440)).astype(int) % 12
        tones = np.sqrt(frames.power[:, inside]) @ np.eye(12)[pitch]
        self.tones.append(tones / (tones.sum(axis=1, keepdims=True) + 1e-9))
        bank = mel_filterbank(RATE, 2 * (len(frames.frequencies) - 1), _TIMBRES)
        self.timbres.append(10 * np.log10(frames.power @ bank + _FLOOR))

    def heard(self, seconds: float) -> Heard:
        """Everything together."""
        empty = np.zeros(0)
        return Heard(
            seconds,
            np.concatenate(self.levels or [empty]),
            np.concatenate(self.onsets or [empty]),
            np.concatenate(self.low_onsets or [empty]),
            np.concatenate(self.tones or [np.zeros((0, 12))]),
            self._sections(),
        )

    def _sections(self) -> np.ndarray:
        """Means and deviations over half a second of the timbre, and the mean harmony, twice as heavy."""
        size = round(1 / (_TONE_HOP_S * FRAMES_PER_SECOND))
        if sum(map(len, self.tones)) < size:
            return np.zeros((0, 2 * _TIMBRES + 12))
        tones, timbres = np.concatenate(self.tones), np.concatenate(self.timbres)
        count = len(tones) // size
        tones = tones[: count * size].reshape(count, size, -1).mean(axis=1)
        timbres = timbres[: count * size].reshape(count, size, -1)
        shape = np.concatenate([timbres.mean(axis=1), timbres.std(axis=1)], axis=1)
        shape = (shape - shape.mean(axis=0)) / (shape.std(axis=0) + 1e-6)
        tones = (tones - tones.mean(axis=0)) / (tones.std(axis=0) + 1e-6)
        sections: np.ndarray = np.concatenate([shape, 2 * tones], axis=1)
        return sections

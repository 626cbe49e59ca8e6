"""Whether clips are speech, told by their sound alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tunesmith.audio.measure.spectrum import power_frames
from tunesmith.data.load import load
from tunesmith.data.sample import Sample
from tunesmith.errors import TunesmithError
from tunesmith.speech.duration import frame_levels, nuclei, stretches
from tunesmith.speech.syllables import syllables

_RATE = 8_000
_MOST_CLIPS = 24
_LONGEST_S = 20.0
_LEAST_SPOKEN_S = 0.5
_SHARE = 0.6
"""Of the clips, to call all of them speech: a drum loop or a rap is one clip among others."""
_LEAST_MOVEMENT_DB = 9.5  # standard deviation of the level; speech has 10.8 and more, 98 % of music 9.2 at most
_LEAST_QUIET = 0.25  # share of moments under half of the mean amplitude; speech has 0.32 to 0.49
_SYLLABLES = (2.2, 6.5)  # a second
_MOST_TIMBRE = 0.9  # standard deviation of the logarithm of the spectral centroid; drums have 1.2
_LEAST_VOICED = 0.35  # share of the loud moments that have a pitch of 70 to 400 Hz; speech has 0.6, drums have 0.05
_PERIODIC = 0.6
_TEXT_PACE = (1.5, 9.0)
"""Syllables a second between a text that describes a clip and one that belongs to another."""


@dataclass(frozen=True)
class SpokenSet:
    """What was heard in some clips of a set.

    Attributes:
        judged: How many clips.
        spoken: How many of them sound like speech.
        said: How many have a text of their own with about as many syllables as are spoken.
        described: How many have another one.
    """

    judged: int
    spoken: int
    said: int
    described: int

    @property
    def is_speech(self) -> bool:
        """Whether the set is speech."""
        return self.judged > 0 and self.spoken >= _SHARE * self.judged

    @property
    def has_transcripts(self) -> bool:
        """Whether its texts say what is spoken, as far as there are any."""
        return self.said >= self.described


def hear_some(samples: Sequence[Sample]) -> SpokenSet:
    """Listen to up to 24 clips from all over a set, 20 s of each; what cannot be read is passed over."""
    picked = [samples[int(at)] for at in np.linspace(0, len(samples) - 1, min(_MOST_CLIPS, len(samples)))]
    judged = spoken = said = described = 0
    for sample in picked:
        ref = sample.target
        if ref is None:
            continue
        try:
            end = ref.start + _LONGEST_S if ref.end is None else min(ref.end, ref.start + _LONGEST_S)
            audio = load(replace(ref, end=end), _RATE, 1)
        except TunesmithError:
            continue
        judged += 1
        spoken += sounds_spoken(audio, _RATE)
        text = sample.texts.get("caption", "").strip()
        if text and audio.shape[1] < _LONGEST_S * _RATE:  # of a longer one, only a part was heard
            seconds = sum(last - first for first, last in stretches(audio, _RATE))
            fits = _TEXT_PACE[0] <= syllables(text) / max(seconds, 0.1) <= _TEXT_PACE[1]
            said, described = said + fits, described + (not fits)
    return SpokenSet(judged, spoken, said, described)


def sounds_spoken(audio: np.ndarray, rate: int) -> bool:
    """Whether a sound moves as speech does: syllables, pauses, a voice, and consonants between its vowels.

    Args:
        audio: (C, N), full scale ±1.
        rate: In Hz, 8000 or more.
    """
    level = frame_levels(audio, rate)
    seconds = sum(last - first for first, last in stretches(audio, rate))
    if seconds < _LEAST_SPOKEN_S:
        return False
    floor = float(np.percentile(level, 95)) - 40
    amplitude = 10 ** (np.maximum(level, floor) / 20)
    pace = nuclei(audio, rate) / seconds
    if (
        float(np.maximum(level, level.max() - 45).std()) < _LEAST_MOVEMENT_DB
        or float((amplitude < 0.5 * amplitude.mean()).mean()) < _LEAST_QUIET
        or not _SYLLABLES[0] <= pace <= _SYLLABLES[1]
    ):
        return False
    mono = np.nan_to_num(np.atleast_2d(audio).mean(axis=0)).astype(np.float32)
    return _timbre(mono, rate) <= _MOST_TIMBRE and voiced_share(mono, rate) >= _LEAST_VOICED


def _timbre(mono: np.ndarray, rate: int) -> float:
    """How much the spectral centroid of the loud moments moves, as a standard deviation of its logarithm."""
    frames = power_frames(mono, rate, 0.032, 0.01)
    total = frames.power.sum(axis=1)
    loud = total > total.max() * 10**-3.5
    centre = (frames.power[loud] * frames.frequencies).sum(axis=1) / (total[loud] + 1e-12)
    return float(np.log(centre + 1).std()) if loud.any() else 0.0


def voiced_share(mono: np.ndarray, rate: int) -> float:
    """Share of the loud moments (within 30 dB) whose waveform repeats itself at 70 to 400 Hz.

    Args:
        mono: (N,), full scale ±1.
        rate: In Hz.
    """
    width, hop = round(0.064 * rate), round(0.02 * rate)
    count = (len(mono) - width) // hop + 1
    if count < 1:
        return 0.0
    pieces = np.lib.stride_tricks.sliding_window_view(mono, width)[::hop][:count]
    pieces = pieces - pieces.mean(axis=1, keepdims=True)
    energy = np.square(pieces).sum(axis=1)
    window = np.hanning(width).astype(np.float32)
    pieces = pieces[energy > energy.max() * 1e-3] * window
    if not len(pieces):
        return 0.0
    alike = _autocorrelation(pieces) / _autocorrelation(window[None])
    first, last = rate // 400, rate // 70
    return float((alike[:, first : last + 1].max(axis=1) > _PERIODIC).mean())


def _autocorrelation(pieces: np.ndarray) -> np.ndarray:
    """(N, W) → (N, W // 2), 1 at lag 0."""
    width = pieces.shape[1]
    power = np.square(np.abs(np.fft.rfft(pieces, 2 * width, axis=1)))
    lags = np.fft.irfft(power, axis=1)[:, : width // 2]
    result: np.ndarray = lags / (lags[:, :1] + 1e-12)
    return result

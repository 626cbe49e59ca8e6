"""Faults of one clip's sound: (N, C) float32 and its rate in, the same out."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable

import numpy as np
import soundfile

Sound = np.ndarray
Fault = Callable[[Sound, int, np.random.Generator], Sound]


def rms(audio: Sound) -> float:
    """Root mean square over all samples."""
    return float(np.sqrt(np.mean(np.square(audio, dtype=np.float64)))) + 1e-9


def white(audio: Sound, rng: np.random.Generator) -> Sound:
    """White noise of the same shape and RMS 1."""
    return rng.standard_normal(audio.shape).astype(np.float32)


def pink(audio: Sound, rng: np.random.Generator) -> Sound:
    """Noise that falls 3 dB an octave, RMS 1."""
    spectrum = np.fft.rfft(white(audio, rng), axis=0)
    spectrum /= np.sqrt(np.arange(len(spectrum)) + 1)[:, None]
    noise = np.fft.irfft(spectrum, len(audio), axis=0)
    return (noise / noise.std()).astype(np.float32)


def hiss(under_db: float) -> Fault:
    """White noise under the whole clip, this far under its RMS."""
    return lambda audio, rate, rng: audio + white(audio, rng) * np.float32(rms(audio) * 10 ** (-under_db / 20))


def hum(hz: float, under_db: float) -> Fault:
    """The mains with falling harmonics."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        t = np.arange(len(audio)) / rate
        lines = sum(0.6**k * np.sin(2 * np.pi * hz * (k + 1) * t + rng.uniform(0, 6)) for k in range(6))
        return audio + (lines / lines.std() * rms(audio) * 10 ** (-under_db / 20)).astype(np.float32)[:, None]

    return apply


def vinyl(per_second: float) -> Fault:
    """Ticks of a few samples at random, of random height, over soft surface noise."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        out = audio + pink(audio, rng) * np.float32(rms(audio) * 10 ** (-45 / 20))
        for at in rng.integers(0, len(audio) - 20, int(per_second * len(audio) / rate)):
            width = int(rng.integers(2, 7))
            height = rms(audio) * rng.uniform(0.7, 3) * rng.choice([-1, 1])
            out[at : at + width] += (height * np.hanning(width + 2)[1:-1, None]).astype(np.float32)
        return out

    return apply


def beep(hz: float, under_db: float, count: int, seconds: float) -> Fault:
    """The same pure tone, several times."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        out, size = audio.copy(), round(seconds * rate)
        edge = np.minimum(1, np.minimum(np.arange(size), np.arange(size)[::-1]) / (0.005 * rate))
        tone = np.sin(2 * np.pi * hz * np.arange(size) / rate) * edge
        level = rms(audio) * np.sqrt(2) * 10 ** (-under_db / 20)
        for number in range(count):
            at = round((number + rng.uniform(0.3, 0.7)) * (len(audio) - size) / count)
            out[at : at + size] += (level * tone).astype(np.float32)[:, None]
        return out

    return apply


def dropouts(count: int, seconds: float, gain: float) -> Fault:
    """Holes with hard edges at random places."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        out, size = audio.copy(), round(seconds * rate)
        for at in rng.integers(rate // 2, len(audio) - rate, count):
            out[at : at + size] *= np.float32(gain)
        return out

    return apply


def gap(seconds: float) -> Fault:
    """Silence in the middle, in place of the sound."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        out, size = audio.copy(), round(seconds * rate)
        at = (len(audio) - size) // 2
        out[at : at + size] = 0
        return out

    return apply


def pause(seconds: float) -> Fault:
    """Silence inserted at a quiet moment near the middle."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        hop = rate // 50
        pieces = np.abs(audio[: len(audio) // hop * hop, 0]).reshape(-1, hop).max(axis=1)
        third = len(pieces) // 3
        at = (third + int(pieces[third : 2 * third].argmin())) * hop
        return np.concatenate([audio[:at], np.zeros((round(seconds * rate), audio.shape[1]), np.float32), audio[at:]])

    return apply


def noisy_tail(seconds: float, under_db: float) -> Fault:
    """Only noise at the end."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        out, size = audio.copy(), round(seconds * rate)
        out[-size:] = pink(audio[-size:], rng) * np.float32(rms(audio) * 10 ** (-under_db / 20))
        return out

    return apply


def brickwall(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
    """A limiter driven by 14 dB: gain by the loudest sample of 3 ms around, smoothed."""
    from scipy.ndimage import maximum_filter1d, uniform_filter1d

    driven = audio / max(1e-6, float(np.abs(audio).max())) * 10 ** (14 / 20)
    size = max(3, round(0.003 * rate))
    loudest = maximum_filter1d(np.abs(driven).max(axis=1), 2 * size)
    gain = uniform_filter1d(1 / np.maximum(1.0, loudest), size)
    return (0.98 * np.clip(driven * gain[:, None], -1, 1)).astype(np.float32)


def mp3(kbps: int) -> Fault:
    """Through an MP3 encoder and back; needs ffmpeg."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        wav = io.BytesIO()
        soundfile.write(wav, audio, rate, format="WAV", subtype="PCM_16")
        coded = _ffmpeg(wav.getvalue(), "-b:a", f"{kbps}k", "-f", "mp3")
        return soundfile.read(io.BytesIO(_ffmpeg(coded, "-f", "wav")), dtype="float32", always_2d=True)[0]

    return apply


def tempo(factor: float) -> Fault:
    """Faster, at the same pitch; needs ffmpeg."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        return _filtered(audio, rate, f"atempo={factor}")

    return apply


def pitch(factor: float) -> Fault:
    """Higher, at the same speed; needs ffmpeg."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        return _filtered(audio, rate, f"asetrate={rate * factor},aresample={rate},atempo={1 / factor}")

    return apply


def resampled(factor: float) -> Fault:
    """Faster and higher, as a tape that runs too fast."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        from tunesmith.audio.resample import resample

        return resample(audio.T, round(rate * factor), rate).T

    return apply


def band_limited(rate_between: int) -> Fault:
    """Once stored at a low rate."""

    def apply(audio: Sound, rate: int, rng: np.random.Generator) -> Sound:
        from tunesmith.audio.resample import resample

        return resample(resample(audio.T, rate, rate_between), rate_between, rate).T[: len(audio)]

    return apply


def _filtered(audio: Sound, rate: int, filters: str) -> Sound:
    wav = io.BytesIO()
    soundfile.write(wav, audio, rate, format="WAV", subtype="PCM_16")
    made = _ffmpeg(wav.getvalue(), "-af", filters, "-f", "wav")
    return soundfile.read(io.BytesIO(made), dtype="float32", always_2d=True)[0]


def _ffmpeg(content: bytes, *options: str) -> bytes:
    command = ["ffmpeg", "-v", "error", "-i", "pipe:0", *options, "pipe:1"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout

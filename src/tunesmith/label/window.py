"""The part of a clip that a model listens to, and its audio as a WAV file."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np

from tunesmith.data.sample import AudioRef
from tunesmith.label.provider import LISTEN_RATE, LONGEST_LISTEN_S


def middle(ref: AudioRef, seconds: float, longest: float) -> AudioRef:
    """The middle ``longest`` seconds of a clip that lasts ``seconds``; the whole of a shorter one."""
    if seconds <= longest:
        return ref
    start = ref.start + (seconds - longest) / 2
    return replace(ref, start=start, end=start + longest, duration=longest)


def listen(ref: AudioRef, seconds: float) -> tuple[np.ndarray, tuple[float, float]]:
    """What a model is given to hear: at most 29 s from the middle of the clip.

    Returns:
        float32 (frames,) at 16 kHz, and where it begins and ends in seconds from the clip's own start.

    Raises:
        UnreadableAudioError: when it cannot be decoded.
    """
    from tunesmith.data.load import load

    part = middle(ref, seconds, LONGEST_LISTEN_S)
    start = round(part.start - ref.start, 3)
    return load(part, LISTEN_RATE, 1)[0], (start, min(seconds, round(start + LONGEST_LISTEN_S, 3)))


def wav_bytes(audio: np.ndarray) -> bytes:
    """A mono WAV file (16 bit, 16 kHz) of float audio (frames,), full scale at ±1."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, np.clip(audio, -1.0, 1.0), LISTEN_RATE, "PCM_16", format="WAV")
    return file.getvalue()

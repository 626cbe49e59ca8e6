"""Edit pairs with true targets: what espeak-ng can say in two ways, and what signal processing can spoil."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.pocket.step_audio.espeak import EspeakVoice, Wave, speak
from tunesmith.families.step_audio.config import GROUP_SECONDS, SAMPLE_RATE

DENOISE, VAD, STYLE, SPEED = "denoise", "vad", "style", "speed"
_NOISE_DB = (16.0, 26.0)
_SILENT_GROUPS = (3, 6)
"""Of 120 ms: whole groups, so that the codes after the silence are those without it."""


@dataclass(frozen=True)
class Edit:
    """An edit as the training data names it; ``spoilt`` says which side is the plain voice.

    Attributes:
        kind: ``edit_type``.
        info: ``edit_info``, empty where the type has none.
        spoilt: The plain clip is the target (else the source).
    """

    kind: str
    info: str = ""
    spoilt: bool = False


EDITS = (
    Edit(SPEED, "faster"), Edit(STYLE, "whisper"), Edit(DENOISE, spoilt=True),
    Edit(SPEED, "slower"), Edit(STYLE, "loudly"), Edit(VAD, spoilt=True),
)  # fmt: skip


def other_side(edit: Edit, text: str, voice: EspeakVoice, plain: Wave, rng: np.random.Generator) -> Wave:
    """What stands opposite the plain clip of ``text`` in an edit pair: the edited clip, or the spoilt one."""
    if edit.kind == DENOISE:
        return noisy(plain, rng)
    if edit.kind == VAD:
        return interrupted(plain, rng)
    return speak(text, manner(edit, voice))


def manner(edit: Edit, voice: EspeakVoice) -> EspeakVoice:
    """How the target of an edit speaks: in another way, or, where it only undoes a damage, as the voice always does."""
    if edit.spoilt:
        return voice
    ways = {"faster": voice.faster, "slower": voice.slower, "whisper": voice.whispering, "loudly": voice.loud}
    return ways[edit.info]()


def noisy(wave: Wave, rng: np.random.Generator) -> Wave:
    """The wave under steady noise, 16 to 26 dB below it, white or falling towards high frequencies."""
    spectrum = np.fft.rfft(rng.standard_normal(len(wave)))
    slope = rng.uniform(0.0, 0.5)
    noise = np.fft.irfft(spectrum / np.maximum(1, np.arange(len(spectrum))) ** slope, len(wave))
    level = wave.std() * 10 ** (-rng.uniform(*_NOISE_DB) / 20)
    noisy: Wave = (wave + noise * (level / noise.std())).astype(np.float32)
    return noisy


def interrupted(wave: Wave, rng: np.random.Generator) -> Wave:
    """The wave with a silence of 0.36 to 0.6 s at its quietest place: at the ends the family trims it anyway."""
    size = round(0.02 * SAMPLE_RATE)
    frames = wave[: len(wave) // size * size].reshape(-1, size)
    inner = slice(len(frames) // 4, max(len(frames) // 4 + 1, 3 * len(frames) // 4))
    cut = (inner.start + int(np.argmin(np.abs(frames[inner]).max(axis=1)))) * size + size // 2
    silence = np.zeros(round(int(rng.integers(*_SILENT_GROUPS)) * GROUP_SECONDS * SAMPLE_RATE), np.float32)
    ramp = np.linspace(0.0, 1.0, 120, dtype=np.float32)
    before, after = wave[:cut].copy(), wave[cut:].copy()
    before[-len(ramp) :] *= ramp[::-1]
    after[: len(ramp)] *= ramp
    return np.concatenate([before, silence, after])

"""Whether two recordings have the same voice: by the family's own speaker vector, by GE2E's, or by MFCC statistics."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tunesmith.ears.catalogue import GE2E
from tunesmith.ears.installed import is_usable
from tunesmith.speech.duration import active
from tunesmith.speech.tools import SpeechTools

MFCC_NAME = "MFCC statistics"
_RATE = 16_000
_COEFFICIENTS = 16
_FEWEST_FRAMES = 50
# Likeness of an output to a voice, and of a clip to the rest of its speaker's, under which it is another one, on
# prompts, acted lines, shouts, words read at home and espeak-ng's voices: benchmarks/ears.py, half of the voices.
GE2E_OTHER_UNDER, GE2E_ODD_UNDER, GE2E_FLOOR_WITHIN_DB = 0.7, 0.8, 8.0
LEAST_SPOKEN_S = 1.2
"""Less speech tells no voice: GE2E hears 1.6 s at once."""
_FEWEST_OWN, _UNDER_OWN = 4, 0.03
_LEAST_LEVEL_DB = -30.0
_CLOSURE_FRAMES = 7
"""GE2E hears speech of at least this level (dBFS), and silences of up to 0.15 s within it."""

# Means and spreads of the statistics below over 372 sentences of 31 espeak-ng voices in English and Mandarin.
# fmt: off
_CENTRE = np.array([
    12.1, 3.2, 6.2, -0.8, 0.2, 0.0, -2.1, 0.0, -0.8, 0.0, -0.9, 0.1, 0.0, -0.2, -0.1, 0.2,
    8.7, 5.0, 6.8, 5.6, 4.2, 4.0, 3.4, 2.7, 2.6, 2.2, 1.9, 1.9, 1.6, 1.6, 1.5, 1.4,
])
_SPREAD = np.array([
    3.15, 2.58, 2.44, 2.52, 1.76, 1.84, 1.67, 1.18, 1.04, 0.85, 0.68, 0.88, 1.0, 0.88, 0.66, 0.83,
    1.89, 0.78, 1.36, 1.18, 0.77, 0.79, 0.77, 0.54, 0.68, 0.56, 0.4, 0.45, 0.35, 0.4, 0.34, 0.31,
])
# fmt: on


@dataclass(frozen=True)
class OwnSpread:
    """How far one clip must lie under the rest of a speaker's, who may whisper and shout.

    Attributes:
        gap: In likeness, under nearly the least like of the rest: an eighth of them are less like.
        few: The gap is greater by this over how many they are: of few, the least like tells less.
        long_s: Clips with fewer seconds of speech need as much more of a gap as they are shorter.
        least_s: With less speech no clip is judged.
        usual: Likeness in the median of somebody who reads evenly; for each 0.1 under it, the gap is as great again.
        told_from: Where nearly the least like of the rest is under this, the voice itself varies too much to tell.
        same: Clips this like the one in question, and more like it than like the rest, are of its voice, not the rest.
    """

    gap: float = 0.055
    few: float = 4.0
    long_s: float = 2.5
    least_s: float = LEAST_SPOKEN_S
    usual: float = 0.9
    told_from: float = 0.7
    same: float = 0.6


@dataclass(frozen=True)
class VoiceVector:
    """A speaker vector by name.

    Attributes:
        name: As in records and reports: likenesses by different names are never compared.
        embed: Mono samples (N,) and their rate to a vector; NaN where there is too little speech.
        other_under: Likeness of one recording to another under which it is another voice.
        odd_under: The same of one recording to the mean of several of a voice.
        spread: How far under the rest it must lie besides; ``None`` where that was not measured.
        floor_within_db: How far the noise of recordings may differ that are held against each other; ``None`` where it
            makes no difference.
    """

    name: str
    embed: Callable[[np.ndarray, int], np.ndarray]
    other_under: float = 0.2
    odd_under: float = 0.2
    spread: OwnSpread | None = None
    floor_within_db: float | None = None


def mfcc_statistics(mono: np.ndarray, rate: int) -> np.ndarray:
    """Means and spreads of 16 mel-frequency cepstral coefficients over the frames with speech, in spreads over voices.

    It knows the timbre of a voice in a recording, so the microphone counts as well: it tells whether an adapter moved
    towards or away from a voice, and not who speaks. On espeak-ng's voices, two sentences of one voice are at 0.84 in
    the median (0.61 across languages) and of two voices at 0.0; a limit of 0.5 is right 92 times in a hundred.

    Args:
        mono: (N,), full scale ±1; its level makes no difference.
        rate: In Hz.

    Returns:
        (32,) float64; NaN under half a second of speech.

    Source: Davis & Mermelstein 1980, "Comparison of Parametric Representations for Monosyllabic Word Recognition".
    """
    statistics = raw_statistics(mono, rate)
    vector: np.ndarray = (statistics - _CENTRE) / _SPREAD
    return vector


def raw_statistics(mono: np.ndarray, rate: int) -> np.ndarray:
    """The same in the coefficients' own unit."""
    from scipy.fft import dct

    from tunesmith.audio.measure.spectrum import mel_filterbank, power_frames
    from tunesmith.audio.resample import resample

    samples = resample(np.asarray(mono, np.float32)[None], rate, _RATE)[0]
    loud = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    if loud < 1e-6 or not math.isfinite(loud):
        return np.full(2 * _COEFFICIENTS, math.nan)
    frames = power_frames(samples * np.float32(0.1 / loud), _RATE, 0.025, 0.01, padded_s=0.064)
    bank = mel_filterbank(_RATE, 2 * (len(frames.frequencies) - 1), 40, 60.0, 7600.0)
    speech = active(samples, _RATE)[: len(frames.power)]
    if np.count_nonzero(speech) < _FEWEST_FRAMES:
        return np.full(2 * _COEFFICIENTS, math.nan)
    levels = np.log(frames.power[: len(speech)][speech] @ bank + 1e-10)
    cepstra = dct(levels.astype(np.float64), axis=1, norm="ortho")[:, 1 : _COEFFICIENTS + 1]
    return np.concatenate([cepstra.mean(axis=0), cepstra.std(axis=0)])


def similarity(a: np.ndarray | None, b: np.ndarray | None) -> float:
    """Cosine of two speaker vectors, -1…1; NaN where either is missing."""
    if a is None or b is None:
        return math.nan
    size = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b / size) if size > 0 else math.nan


def mean_voice(vectors: Sequence[np.ndarray]) -> np.ndarray | None:
    """One vector for several recordings of a voice; ``None`` where none could be measured."""
    known = [vector / np.linalg.norm(vector) for vector in vectors if np.isfinite(vector).all() and vector.any()]
    return np.mean(known, axis=0) if known else None


def own_limit(vectors: Sequence[np.ndarray]) -> float:
    """The likeness that a speaker's own recordings have to the mean of the others, a little under the lowest.

    Infinity with fewer than four. Who shouts and whispers is like himself in fewer outputs than who reads evenly.
    """
    known = [vector for vector in vectors if np.isfinite(vector).all() and vector.any()]
    if len(known) < _FEWEST_OWN:
        return math.inf
    alike = [similarity(each, mean_voice([*known[:n], *known[n + 1 :]])) for n, each in enumerate(known)]
    return min(alike) - _UNDER_OWN


MFCC = VoiceVector(MFCC_NAME, mfcc_statistics)


def voice_vector(tools: SpeechTools) -> VoiceVector:
    """What tells voices apart here: the family's own network, else GE2E where it is installed, else MFCC statistics.

    Raises:
        TunesmithError: when GE2E is installed and its weights are damaged.
    """
    if tools.voice is not None:
        return VoiceVector(tools.voice_name, tools.voice)
    return ge2e() if is_usable(GE2E) else MFCC


def voice_name(tools: SpeechTools) -> str:
    """The name of :func:`voice_vector`, without loading anything."""
    if tools.voice is not None:
        return tools.voice_name
    return GE2E.title if is_usable(GE2E) else MFCC_NAME


def ge2e() -> VoiceVector:
    """The installed GE2E speaker encoder, which hears a voice and hardly its microphone.

    Raises:
        TunesmithError: when it is not installed, or its weights are damaged.
    """
    from tunesmith.ears.ge2e import SpeakerEncoder, steady_noise

    encoder = SpeakerEncoder()

    def embed(mono: np.ndarray, rate: int) -> np.ndarray:
        raised = _raised(mono, rate)
        speech = None if raised is None else _speech_of(raised)
        if raised is None or speech is None:
            return np.full(1, math.nan)
        return encoder.embed(speech, steady_noise(raised)).astype(np.float64)

    return VoiceVector(
        GE2E.title,
        embed,
        other_under=GE2E_OTHER_UNDER,
        odd_under=GE2E_ODD_UNDER,
        spread=OwnSpread(),
        floor_within_db=GE2E_FLOOR_WITHIN_DB,
    )


def _raised(mono: np.ndarray, rate: int) -> np.ndarray | None:
    """A recording at 16 kHz, raised to a fair level; ``None`` where it is silent."""
    from tunesmith.audio.resample import resample

    samples = resample(np.asarray(mono, np.float32)[None], rate, _RATE)[0]
    loud = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
    if not loud > 1e-6:
        return None
    raised: np.ndarray = samples * np.float32(max(1.0, 10 ** (_LEAST_LEVEL_DB / 20) / loud))
    return raised


def _speech_of(samples: np.ndarray) -> np.ndarray | None:
    """What is spoken of a recording at 16 kHz, its silences cut; ``None`` under half a second."""
    from scipy.ndimage import binary_dilation

    speech = active(samples, _RATE)
    if np.count_nonzero(speech) < _FEWEST_FRAMES:
        return None
    kept = np.repeat(binary_dilation(speech, iterations=_CLOSURE_FRAMES), _RATE // 100)
    found: np.ndarray = samples[: len(kept)][kept[: len(samples)]]
    return found

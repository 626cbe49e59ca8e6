"""What can be told of a clip without any model: tempo, key, loudness, and a few careful words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tunesmith.data.sample import AudioRef

BPM_CONFIDENCE, KEY_GAP = 0.3, 0.1
"""Below these, tempo and key are measured but not told: they would be wrong too often."""
LONGEST_S = 300.0
_RATE = 32_000  # the thresholds of evaluation.signals were fitted there

_CALM_FLUX, _DRIVING_FLUX, _DRIVING_LUFS = 0.9, 1.9, -20.0
_WARM_HZ, _BRIGHT_HZ = 400.0, 2000.0
_DEEP_SHARE = 0.6


@dataclass(frozen=True)
class Measured:
    """Facts of one clip; ``None`` where it cannot be told.

    Attributes:
        seconds: Length of the whole clip.
        bpm: Beats per minute, told from a confidence of 0.3 on.
        bpm_confidence: Strength of the beat, 0…1.
        key: Such as ``A minor``, told where it leads the second by 0.1.
        key_gap: That lead.
        lufs: Integrated loudness.
        centroid_hz: Spectral centre of gravity: brightness.
        bass_share: Share of energy under 120 Hz.
        flux_db: Mean rise of the spectrum per 20 ms: how sharply sounds begin.
        words: Words for energy, brightness and bass, only where these lie at an end of their range.
    """

    seconds: float
    bpm: float | None = None
    bpm_confidence: float | None = None
    key: str | None = None
    key_gap: float | None = None
    lufs: float | None = None
    centroid_hz: float | None = None
    bass_share: float | None = None
    flux_db: float | None = None
    words: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A plain dictionary without what is not known."""
        return {name: value for name, value in asdict(self).items() if value is not None} | {"words": list(self.words)}

    @staticmethod
    def from_json(record: Mapping[str, Any]) -> Measured:
        """The inverse of :meth:`to_json`."""
        return Measured(**{**record, "words": tuple(record["words"])})


def measure_clip(ref: AudioRef, seconds: float) -> Measured:
    """Measure one clip; of more than 300 s, their middle.

    Args:
        ref: Where it lies.
        seconds: Its length.

    Raises:
        UnreadableAudioError: when it cannot be decoded.
    """
    from tunesmith.data.load import load
    from tunesmith.evaluation.signals import measure
    from tunesmith.label.key import find_key
    from tunesmith.label.window import middle

    audio = load(middle(ref, seconds, LONGEST_S), _RATE, 2).T
    signals = measure(audio, _RATE)
    key, gap = find_key(audio.mean(axis=1), _RATE)
    bpm, confidence = signals.tempo_bpm, signals.tempo_confidence
    return Measured(
        seconds=round(seconds, 3),
        bpm=_known(bpm if confidence >= BPM_CONFIDENCE else math.nan),
        bpm_confidence=_known(confidence),
        key=key if gap >= KEY_GAP else None,
        key_gap=_known(gap),
        lufs=_known(signals.lufs),
        centroid_hz=_known(signals.centroid_hz),
        bass_share=_known(signals.sub_share),
        flux_db=_known(signals.flux),
        words=_words(signals.flux, signals.lufs, signals.centroid_hz, signals.sub_share) if signals.live else (),
    )


def _words(flux: float, lufs: float, centroid_hz: float, bass_share: float) -> tuple[str, ...]:
    words = []
    if flux >= _DRIVING_FLUX and lufs >= _DRIVING_LUFS:
        words.append("energetic")
    elif flux < _CALM_FLUX:
        words.append("calm")
    if bass_share >= _DEEP_SHARE:
        words.append("deep bass")
    elif centroid_hz < _WARM_HZ:
        words.append("warm")
    elif centroid_hz >= _BRIGHT_HZ:
        words.append("bright")
    return tuple(words)


def _known(value: float) -> float | None:
    return round(value, 3) if math.isfinite(value) else None

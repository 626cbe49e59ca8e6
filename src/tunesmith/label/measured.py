"""What is measured of a clip without any model: tempo, key, loudness, and a few careful words."""

from __future__ import annotations

import math

from tunesmith.data.labels import ClipMeasurements
from tunesmith.data.sample import AudioRef

BPM_CONFIDENCE, KEY_GAP = 0.3, 0.1
"""Below these, tempo and key are measured but not reported: they would be wrong too often."""
LONGEST_S = 300.0
_RATE = 32_000  # the thresholds of evaluation.signals were fitted there

_CALM_FLUX, _DRIVING_FLUX, _DRIVING_LUFS = 0.9, 1.9, -20.0
_WARM_HZ, _BRIGHT_HZ = 400.0, 2000.0
_DEEP_SHARE = 0.6


def measure_clip(ref: AudioRef, seconds: float) -> ClipMeasurements:
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
    return ClipMeasurements(
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

"""What is heard in a clip's mix, block by block, from one spectrum: noise, hum, tones, clicks, bandwidth, tempo."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from tunesmith.audio.measure.clicks import clicks
from tunesmith.audio.measure.hum import hum
from tunesmith.audio.measure.noise_floor import noise_floor
from tunesmith.audio.measure.noise_windows import noise_windows
from tunesmith.audio.measure.spectrum import (
    Frames,
    bandwidth,
    log_mel,
    noise_band,
    noise_curves,
    power_frames,
    timbre_frames,
)
from tunesmith.audio.measure.structure import tempo
from tunesmith.audio.measure.tail import noisy_tail
from tunesmith.audio.measure.tones import Beep, beeps

_PART_S = 60
_FEWEST_FRAMES = 8
_ACTIVE = 1e-4  # of the loudest frame's energy: 40 dB under it
_SILENCE, _SILENCE_DB = 1e-16, -160.0
_SAME_TONE = 24  # steps to the octave: tones within a quarter tone are one


class Listening:
    """Gathers the blocks of one clip's mix.

    What needs a stretch of music is measured on the first minute of the loudest block.

    Args:
        rate: In Hz.
    """

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._start = 0.0
        self._loudest = -1.0
        self._part = np.zeros(0, np.float32)
        self._frames: Frames | None = None
        self._curves: list[np.ndarray] = []
        self._clicks = 0
        self._beeps: list[Beep] = []

    def add(self, mono: np.ndarray, energy: float) -> None:
        """Take in float32 (frames,) of whole seconds, and its energy."""
        frames = timbre_frames(mono, self.rate)
        self._noise(frames)
        self._clicks += len(clicks(mono, self.rate))
        self._beeps += [Beep(b.start + self._start, b.seconds, b.hz, b.over_db) for b in beeps(frames)]
        self._start += len(mono) / self.rate
        if energy > self._loudest:
            self._loudest, self._frames = energy, frames
            self._part = mono[: _PART_S * self.rate]

    def _noise(self, frames: Frames) -> None:
        """Keep a row for each frame: flatness, whitened flatness, fine correlation, level in dB, energy."""
        if len(frames.power) < _FEWEST_FRAMES:
            return
        mean = frames.power.mean(axis=0)
        band = noise_band(mean, frames.frequencies) if float(mean.max()) > _SILENCE else None
        if band is None:
            nothing = np.zeros(len(frames.power))
            self._curves.append(np.stack([nothing, nothing, nothing + 1, nothing + _SILENCE_DB, nothing]))
            return
        power = frames.power[:, band]
        flatness, white, fine = noise_curves(power)
        level = 10 * np.log10(power.sum(axis=1) + 1e-16)
        rows = [flatness, white, np.concatenate([fine, fine[-2:]]), level, frames.power.sum(axis=1)]
        self._curves.append(np.stack(rows))

    def facts(self) -> dict[str, Any]:
        """Everything as fields of :class:`~tunesmith.data.checks.facts.ClipFacts`."""
        edge, drop = bandwidth(self._part, self.rate)
        bpm, confidence = self._tempo()
        found = {
            "band_edge_hz": _finite(edge),
            "band_drop_db": _finite(drop),
            "clicks": self._clicks,
            "tempo_bpm": _finite(bpm),
            "tempo_confidence": _finite(confidence),
            **_tones(self._beeps),
        }
        if self._frames is None or self._loudest <= 0:
            return found
        floor, lines = noise_floor(self._frames), hum(self._part, self.rate)
        found |= {"steady_share": _finite(floor.steady_share), "steady_db": _finite(floor.steady_db)}
        found |= {"hum_hz": lines.hz, "hum_lines": lines.lines, "hum_over_db": lines.over_db, "hum_db": lines.level_db}
        return found | self._noise_facts()

    def _noise_facts(self) -> dict[str, Any]:
        if not self._curves or self._frames is None:
            return {}
        flatness, white, fine, level, energy = np.concatenate(self._curves, axis=1)
        active = energy > _ACTIVE * energy.max()
        share = noise_windows(flatness, white, fine[:-2], active, self._frames.hop_s).share
        tail = noisy_tail(flatness, white, fine, level, self._frames.hop_s)
        return {"noise_share": _finite(share), "noise_tail": tail}

    def _tempo(self) -> tuple[float, float]:
        fast = power_frames(self._part, self.rate, 0.03, 0.01, padded_s=0.032)
        if len(fast.power) == 0 or float(fast.power.max()) <= 0:
            return math.nan, math.nan
        return tempo(log_mel(fast, 40, self.rate, range_db=80), fast.hop_s)


def _tones(found: Sequence[Beep]) -> dict[str, Any]:
    """The pitch that beeps most often, and whether others do as well: a tune."""
    groups: dict[int, list[Beep]] = defaultdict(list)
    for beep in found:
        groups[round(_SAME_TONE * math.log2(beep.hz))].append(beep)
    if not groups:
        return {}
    most = max(groups.values(), key=lambda group: (len(group), max(beep.over_db for beep in group)))
    return {
        "beeps": len(most),
        "beep_hz": float(np.median([beep.hz for beep in most])),
        "beep_start": most[0].start,
        "beep_over_db": max(beep.over_db for beep in most),
        "beep_pitches": len(groups),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

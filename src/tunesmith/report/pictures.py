"""Where everything lies in the picture of a clip: spectrogram above, loudness below, one time axis."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.loudness import loudness_curve
from tunesmith.report.spectrogram import levels, picture, to_mel

Array = NDArray[np.floating]
Tick = tuple[float, str]

LOWEST_LUFS = -60.0
COLUMNS = 240
_KHZ = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_LOUD = ((1.0, "0"), (0.5, "\u221230"), (0.0, "\u221260"))
_TICK_GAP = 11.0  # px between two labels of an axis


@dataclass(frozen=True)
class SoundView:
    """Decoded audio: (N, C) full scale ±1, sample rate in Hz, and the length of the whole file in seconds."""

    audio: Array
    rate: int
    seconds: float


@dataclass(frozen=True)
class Picture:
    """Numbers for the template, in the units of the SVG's own coordinates.

    Attributes:
        width, height: Size of the whole.
        left, right: Where the time axis begins and ends.
        top, split: Top and bottom of the spectrogram.
        base: Bottom of the loudness curve; it begins at ``rise``.
        rise: Top of the loudness curve.
        image: The spectrogram as a ``data:`` URI.
        curve: Points of the loudness curve, ready for ``polyline``.
        hertz, time, loud: Ticks (place, label) of the three axes.
        seconds: What the time axis spans.
        quietest, loudest: Of the curve, in LUFS, for those who cannot see it.
    """

    width: int
    height: int
    left: float
    right: float
    top: float
    split: float
    rise: float
    base: float
    image: str
    curve: str
    hertz: tuple[Tick, ...]
    time: tuple[Tick, ...]
    loud: tuple[Tick, ...]
    seconds: float
    quietest: float
    loudest: float


def draw(
    sounds: Sequence[SoundView], seconds: float, *, compact: bool = False, columns: int = COLUMNS
) -> list[Picture]:
    """Pictures of several sounds on the same axes and with the same colours.

    Args:
        sounds: What to draw.
        seconds: What the time axis spans.
        compact: Small, for a grid of many.
        columns: How fine the time axis is drawn; at most 160 where it is small.
    """
    if not sounds:
        return []
    top_hz = max(sound.rate for sound in sounds) / 2
    columns = min(columns, 160) if compact else columns
    drawn = [levels(sound.audio.mean(axis=1), sound.rate, seconds, top_hz, columns) for sound in sounds]
    peak = max((float(np.nanmax(level)) for level in drawn if np.isfinite(level).any()), default=0.0)
    return [_place(sound, level, peak, seconds, top_hz, compact) for sound, level in zip(sounds, drawn, strict=True)]


def _place(sound: SoundView, level: Array, peak: float, seconds: float, top_hz: float, compact: bool) -> Picture:
    width, split, rise, base = (220, 66.0, 74.0, 104.0) if compact else (320, 112.0, 122.0, 164.0)
    left, right, top = 30.0, width - 8.0, 6.0
    curve = loudness_curve(sound.audio, sound.rate)
    clipped = np.clip(curve, LOWEST_LUFS, 0)
    # A value covers 0.4 s and stands at its middle; a clip shorter than that has one value over its length.
    times = np.arange(len(clipped)) * 0.1 + min(0.2, sound.seconds / 2)
    keep = times <= seconds + 0.05
    x = left + (right - left) * np.minimum(times[keep] / seconds, 1)
    y = base - (base - rise) * (clipped[keep] / -LOWEST_LUFS + 1)
    if len(x) == 1:
        x, y = np.array([left, left + (right - left) * min(sound.seconds / seconds, 1)]), np.repeat(y, 2)
    return Picture(
        width=width,
        height=int(base) + 16,
        left=left,
        right=right,
        top=top,
        split=split,
        rise=rise,
        base=base,
        image="data:image/png;base64," + base64.b64encode(picture(level, peak)).decode("ascii"),
        curve=" ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)),
        hertz=_hertz_ticks(top_hz, top, split),
        time=_time_ticks(seconds, left, right),
        loud=tuple((base - (base - rise) * share, name) for share, name in _LOUD),
        seconds=seconds,
        quietest=float(clipped.min()),
        loudest=float(clipped.max()),
    )


def _hertz_ticks(top_hz: float, top: float, split: float) -> tuple[Tick, ...]:
    ticks: list[Tick] = []
    for khz in _KHZ:
        place = split - (split - top) * float(to_mel(khz * 1000) / to_mel(top_hz))
        if place >= top and (not ticks or ticks[-1][0] - place >= _TICK_GAP):
            ticks.append((place, f"{khz:g}"))
    return tuple(ticks)


def _time_ticks(seconds: float, left: float, right: float) -> tuple[Tick, ...]:
    step = next((s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60) if seconds / s <= 6), 60.0)
    ticks = [round(i * step, 3) for i in range(int(seconds / step + 1e-6) + 1)]
    return tuple((left + (right - left) * t / seconds, f"{t:g}") for t in ticks)

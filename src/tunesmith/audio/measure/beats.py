"""Where the beats of a recording lie, and which of them begin a bar."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tunesmith.audio.measure.structure import tempo_of_onsets

Array = NDArray[np.floating]

BEATS_PER_BAR = 4
"""Of nearly all music with a beat; in a waltz the lines found lie on beats, not on bars."""
_WINDOW_S, _STEP_S = 20.0, 10.0
_STEADINESS = 100.0  # Ellis' alpha: how much a beat off its time costs against a weak onset
_JUMP = 6.0  # what a change of bar phase costs, in beats' worth of evidence
_NEAR_S = 0.04
_CLEARLY = 1.1


def steady_tempo(onset: Array, hop_s: float) -> tuple[float, float, Array]:
    """The tempo of a recording of any length, and how it moves.

    Args:
        onset: (T,) how much the sound rises at each frame.
        hop_s: Seconds between frames.

    Returns:
        Beats per minute, the confidence (medians over windows of 20 s), and the period in frames at each frame (T,).
        NaN under 3 s.
    """
    window, step = round(_WINDOW_S / hop_s), round(_STEP_S / hop_s)
    starts = list(range(0, max(1, len(onset) - window // 2), step))
    parts = [onset[start : start + window] for start in starts]
    if len(parts[0]) * hop_s < 3:
        return math.nan, math.nan, np.full(len(onset), math.nan)
    found = [tempo_of_onsets(part, hop_s) for part in parts]
    sure = [(bpm, confidence) for bpm, confidence in found if math.isfinite(bpm)]
    if not sure:
        return math.nan, 0.0, np.full(len(onset), math.nan)
    confidence = float(np.median([c for _, c in sure]))
    middle = _middle([bpm for bpm, c in sure if c >= confidence])
    local = [_near(bpm, middle) if math.isfinite(bpm) else middle for bpm, _ in found]
    centres = [start + min(window, len(onset)) / 2 for start in starts]
    period = 60 / hop_s / np.interp(np.arange(len(onset)), centres, local)
    return middle, confidence, period


def _middle(tempi: list[float]) -> float:
    return float(np.median(tempi))


def _near(bpm: float, middle: float) -> float:
    """The same tempo in the octave of another one; that other one where it is none of its octaves."""
    octave = min((bpm / 2, bpm, bpm * 2), key=lambda value: abs(math.log2(value / middle)))
    return octave if abs(math.log2(octave / middle)) < 0.1 else middle


def track_beats(onset: Array, period: Array) -> NDArray[np.integer]:
    """Frames of the beats: as strong onsets as possible, as evenly apart as possible.

    Args:
        onset: (T,) how much the sound rises at each frame.
        period: (T,) frames between beats.

    Source: Ellis 2007, "Beat tracking by dynamic programming".
    """
    strength = onset / (onset.std() + 1e-9)
    total, before = strength.copy(), np.full(len(onset), -1)
    for frame in range(len(onset)):
        beat = period[frame]
        first, last = frame - round(2 * beat), frame - max(1, round(beat / 2))
        if last < 0:
            continue
        earlier = np.arange(max(0, first), last + 1)
        value = total[earlier] - _STEADINESS * np.log((frame - earlier) / beat) ** 2
        best = int(value.argmax())
        total[frame] += value[best]
        before[frame] = earlier[best]
    if not len(onset):
        return np.zeros(0, np.int64)
    tail = max(1, round(float(period[-1])))
    frame = len(total) - tail + int(total[-tail:].argmax())
    beats = []
    while frame >= 0:
        beats.append(frame)
        frame = int(before[frame])
    return np.array(beats[::-1])


def on_the_beat(
    beats: NDArray[np.integer], period: Array, harmony: Array, times: tuple[float, float]
) -> NDArray[np.integer]:
    """The beats, moved by half of one where harmony changes there: strong off-beats pass for beats.

    Args:
        beats: Frames of the beats.
        period: (T,) frames between beats.
        harmony: (H, 12) how much of each pitch class sounds.
        times: Frame at the middle of what the first row of ``harmony`` covers, and frames between its rows.
    """
    between = beats + np.round(period[beats] / 2).astype(int)
    between = between[between < len(period)]
    if not len(between):
        return beats
    first, step = times
    beat = float(np.median(period)) / step
    changes = [_change(harmony, (positions - first) / step, beat) for positions in (beats, between)]
    return between if changes[1] > _CLEARLY * changes[0] else beats


def _change(harmony: Array, positions: Array, beat: float) -> float:
    """How unlike the harmony of the beat before a position is to that of the beat after it, on average."""
    total = np.concatenate([np.zeros((1, harmony.shape[1])), np.cumsum(harmony, axis=0)])
    before, here, after = (
        np.clip(np.round(positions + shift).astype(int), 0, len(harmony)) for shift in (-beat, 0.0, beat)
    )
    past, coming = total[here] - total[before], total[after] - total[here]
    size = np.linalg.norm(past, axis=1) * np.linalg.norm(coming, axis=1)
    sounding = size > 0
    likeness = (past * coming).sum(axis=1)[sounding] / size[sounding]
    return float(1 - likeness.mean()) if sounding.any() else 0.0


def bar_lines(beats: NDArray[np.integer], low_onset: Array, hop_s: float) -> NDArray[np.integer]:
    """The beats that begin a bar: those on which the bass enters, four apart; the phase may change where it must.

    Args:
        beats: Frames of the beats.
        low_onset: (T,) how much the bass rises at each frame.
        hop_s: Seconds between frames.
    """
    if len(beats) < BEATS_PER_BAR:
        return beats[:0]
    near = max(1, round(_NEAR_S / hop_s))
    weight = np.array([low_onset[max(0, beat - near) : beat + near + 1].max(initial=0.0) for beat in beats])
    weight = (weight - weight.mean()) / (weight.std() + 1e-9)
    lines: NDArray[np.integer] = beats[_phases(weight) == 0]
    return lines


def _phases(weight: Array) -> NDArray[np.integer]:
    """Position in its bar of each beat, the most likely sequence of them (Viterbi)."""
    score, back = np.zeros(BEATS_PER_BAR), []
    reward = np.eye(BEATS_PER_BAR)[0]
    for value in weight:
        stay = np.roll(score, 1)  # position p follows p - 1
        jump = score.max() - _JUMP
        back.append(np.where(stay >= jump, np.roll(np.arange(BEATS_PER_BAR), 1), int(score.argmax())))
        score = np.maximum(stay, jump) + value * reward
    phases, state = [], int(score.argmax())
    for origin in reversed(back):
        phases.append(state)
        state = int(origin[state])
    return np.array(phases[::-1])

"""How long a text should take, and how long it took: what tells of dropped clauses without any weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.audio.measure.peaks import peaks
from tunesmith.data.sample import CLONE, PROMPT, PROMPT_TEXT
from tunesmith.speech.syllables import syllables

if TYPE_CHECKING:
    from tunesmith.data.prompt import Prompt

_HOP_S = 0.01
_WINDOW_S = 0.025
_UNDER_LOUD_DB = 35.0
_FLOOR_DB = -85.0
_LOWEST_FLOOR_DB = -40.0  # digital silence between words is no better than a quiet room
_SHORTEST_PAUSE_S = 0.12
_SHORTEST_STRETCH_S = 0.15
_FEWEST_SYLLABLES = 3
"""A prompt of fewer says nothing about the speaking rate."""
_UNTIMED = frozenset({"speed", "denoise"})
"""Edits whose prompt does not tell the length: one changes it, and in the other noise fills the pauses."""


def active(audio: np.ndarray, rate: int) -> np.ndarray:
    """Which frames of 10 ms hold sound: within 35 dB of the loud level.

    Args:
        audio: (N,) or (C, N), full scale ±1.
        rate: In Hz.

    Returns:
        (T,) bool.
    """
    level = frame_levels(audio, rate)
    if not len(level):
        return np.zeros(0, bool)
    return level > max(float(np.percentile(level, 95)) - _UNDER_LOUD_DB, _FLOOR_DB)


def frame_levels(audio: np.ndarray, rate: int) -> np.ndarray:
    """Level of every 10 ms in dB of full scale, (T,), over windows of 25 ms."""
    mono = np.nan_to_num(np.atleast_2d(np.asarray(audio, np.float64)).mean(axis=0))
    hop, width = max(1, round(_HOP_S * rate)), max(1, round(_WINDOW_S * rate))
    power = np.concatenate([[0.0], np.cumsum(mono**2)])
    starts = np.arange(0, max(0, len(mono) - width + 1), hop)
    levels: np.ndarray = 10 * np.log10(np.maximum(power[starts + width] - power[starts], 0) / width + 1e-12)
    return levels


def floor_db(audio: np.ndarray, rate: int) -> float:
    """Level of the quietest moments between the first and the last word, under that of the loud ones; -40 at least.

    The 5th percentile of the frames against the 95th. NaN without speech.
    """
    parts = stretches(audio, rate)
    if not parts:
        return math.nan
    level = frame_levels(audio, rate)[round(parts[0][0] / _HOP_S) : round(parts[-1][1] / _HOP_S)]
    low, high = np.percentile(level, [5, 95])
    return max(float(low - high), _LOWEST_FLOOR_DB)


def nuclei(audio: np.ndarray, rate: int) -> int:
    """How many syllables are heard: peaks of the level that stand out by 2 dB, within 25 dB of the loud level.

    Source: de Jong & Wempe 2009, "Praat script to detect syllable nuclei and measure speech rate automatically".
    """
    from scipy.ndimage import gaussian_filter1d

    level = frame_levels(audio, rate)
    if not len(level):
        return 0
    loud = float(np.percentile(level, 95))
    smooth = gaussian_filter1d(np.maximum(level, loud - 40), 2.0)
    return len(peaks(smooth, height=loud - 25, prominence=2.0))


def end_db(audio: np.ndarray, rate: int) -> float:
    """Level of the last 40 ms under the loud level, in dB; a word that ends by itself has died away. NaN if empty."""
    level = frame_levels(audio, rate)
    if not len(level):
        return math.nan
    return float(level[-2:].max() - np.percentile(level, 95))


def stretches(audio: np.ndarray, rate: int) -> list[tuple[float, float]]:
    """Stretches of speech between pauses, each (start, end) in seconds.

    Gaps under 0.12 s are no pauses (a stop consonant holds its breath for as long), sounds under 0.15 s no stretch.
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active(audio, rate), [False]]).astype(np.int8)))
    spans = (edges * _HOP_S).reshape(-1, 2).tolist()
    joined: list[tuple[float, float]] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < _SHORTEST_PAUSE_S:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return [(start, end) for start, end in joined if end - start >= _SHORTEST_STRETCH_S]


def spoken_seconds(audio: np.ndarray, rate: int) -> float:
    """Seconds of speech, pauses and both ends left out: they belong to the reading, not to the text."""
    return sum(end - start for start, end in stretches(audio, rate))


@dataclass(frozen=True)
class Expected:
    """How long a text should take without its pauses; ``known`` from a true recording of it, else by the prompt's rate.

    ``seconds`` is NaN where nothing tells.
    """

    seconds: float
    known: bool


def expected_seconds(
    edit: str, text: str, prompt_text: str, prompt_seconds: float, target_seconds: float | None
) -> Expected:
    """How long the result should be.

    Args:
        edit: The edit type.
        text: What is to be said; empty where an edit leaves the words alone.
        prompt_text: What the prompt says; empty if unknown.
        prompt_seconds: Speech in the prompt (:func:`spoken_seconds`).
        target_seconds: Speech in the true result, where there is one.
    """
    if target_seconds:
        return Expected(target_seconds, True)
    if edit in _UNTIMED or not prompt_seconds:
        return Expected(math.nan, False)
    in_prompt, in_text = syllables(prompt_text), syllables(text)
    if in_prompt >= _FEWEST_SYLLABLES and in_text:
        return Expected(prompt_seconds / in_prompt * in_text, False)
    return Expected(math.nan if edit == CLONE else prompt_seconds, False)


def likely_seconds(prompt: Prompt) -> float | None:
    """About how long a prompt's result will be, from the lengths in the manifest; ``None`` where nothing tells."""
    prompt_seconds = (prompt.voice.audios[PROMPT].duration or 0.0) if prompt.voice else 0.0
    target = prompt.recording
    target_seconds = target.duration if target else None
    prompt_text = prompt.texts.get(PROMPT_TEXT, "")
    expected = expected_seconds(prompt.edit_type, prompt.text, prompt_text, prompt_seconds, target_seconds)
    return expected.seconds if math.isfinite(expected.seconds) else None

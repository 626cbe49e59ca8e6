"""What is said twice: a stretch of speech that comes again, and words that a transcript has once more than the text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tunesmith.audio.measure.spectrum import log_mel, power_frames

_HOP_S = 0.01
_BANDS = 24
_WINDOW_S = 0.5
_SHORTEST_LAG_S = 0.5
_LONGEST_S = 20.0
_RANGE_DB = 45.0
_MOST_UNLIKE = 0.4  # of what two unrelated moments differ by, which is twice the variance
_LEAST_MOVEMENT = 20.0  # dB²; a pause or a held vowel equals every other


def said_again_seconds(audio: np.ndarray, rate: int) -> float:
    """The longest stretch that comes a second time, sound for sound, at least half a second later.

    Args:
        audio: (C, N), full scale ±1; the first 20 s count.
        rate: In Hz.

    Returns:
        Its length in seconds; 0 where nothing of half a second comes again.
    """
    mono = np.atleast_2d(np.asarray(audio, np.float32)).mean(axis=0)[: round(_LONGEST_S * rate)]
    frames = power_frames(mono, rate, 0.03, _HOP_S, padded_s=0.032)
    width, first = round(_WINDOW_S / _HOP_S), round(_SHORTEST_LAG_S / _HOP_S)
    if len(frames.power) < width + first:
        return 0.0
    mel = log_mel(frames, _BANDS, rate, _RANGE_DB)
    sums, squares = (np.cumsum(np.pad(each, ((1, 0), (0, 0))), axis=0, dtype=np.float64) for each in (mel, mel**2))
    variance = (squares[width:] - squares[:-width]) / width - ((sums[width:] - sums[:-width]) / width) ** 2
    movement = variance.mean(axis=1)
    longest = 0
    for lag in range(first, len(mel) - width):
        unlike = np.cumsum(np.r_[0, np.square(mel[lag:] - mel[:-lag]).mean(axis=1)])
        unlike = (unlike[width:] - unlike[:-width]) / width
        same = (unlike < _MOST_UNLIKE * movement[lag:]) & (movement[lag:] > _LEAST_MOVEMENT)
        edges = np.flatnonzero(np.diff(np.r_[False, same, False].astype(np.int8)))
        if len(edges):
            longest = max(longest, int((edges[1::2] - edges[::2]).max()) + width - 1)
    return longest * _HOP_S


def said_again(wanted: Sequence[str], got: Sequence[str]) -> int:
    """Most words or characters in a row that were heard one time more than the text has them.

    Args:
        wanted: Units of the text (:func:`tunesmith.speech.syllables.units`).
        got: Units of the transcript.
    """
    return max(
        (
            length
            for start in range(len(got))
            for length in _again(got, start)
            if _times(got[start : start + length], got) > max(1, _times(got[start : start + length], wanted))
        ),
        default=0,
    )


def _again(got: Sequence[str], start: int) -> range:
    """Lengths at which what begins here comes a second time further on."""
    longest = 0
    for other in range(start + 1, len(got)):
        length = 0
        while other + length < len(got) and start + length < other and got[start + length] == got[other + length]:
            length += 1
        longest = max(longest, length)
    return range(1, longest + 1)


def _times(part: Sequence[str], whole: Sequence[str]) -> int:
    count, at = 0, 0
    while at + len(part) <= len(whole):
        found = list(whole[at : at + len(part)]) == list(part)
        count, at = count + found, at + (len(part) if found else 1)
    return count

"""Where in a clip noise is: what is flat, without lines that last, and stands still."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

NOISE_FLATNESS = 0.53  # Gaussian noise of any colour gives exp(-Euler's gamma) = 0.56, music a median of 0.25
NOISE_MOST_CORR = 0.12  # hats and snares over a quiet tune are as flat, but the tune's lines persist (0.13 and more)
NOISE_FINE_CORR = 0.03
NOISE_RAW_FLATNESS = 0.1
STEADY_DB = 1.3  # how much noise moves in an octave of 64 ms windows: 1.0 at most, music 1.5 at least, a whisper over 4
_FLOOR = 1e-16
_WINDOW_S, _WINDOW_OF_SHORT_S = 2.0, 1.0
_SHORT_S = 8.0  # half of it holds three windows
_FEWEST_WINDOWS = 3
_LEAST_TURN = 0.05
_LEAST_MOVE = 1.5
_QUARTER = 25  # the windows at both ends of a run hold some of what lies beside it
_OCTAVES_HZ = (200, 500, 1000, 2000, 4000, 8000)
_FEWEST_OCTAVE_BINS = 16


class NoiseWindows(NamedTuple):
    """Where a clip is noise. NaN where there is none, or no window to judge.

    Attributes:
        share: Of the windows, those that are noise.
        onset_s: Where their longest run begins.
        end_s: Where it ends.
        std_db: How much the level moves in there, dB: the median over octaves, the lower quartile over its windows.
    """

    share: float
    onset_s: float
    end_s: float
    std_db: float


def is_noise(flatness: float, flat_white: float, fine_corr: float) -> bool:
    """Whether these three medians are those of noise; no value means no."""
    flat = flat_white > NOISE_FLATNESS and fine_corr < NOISE_MOST_CORR
    return flat or (fine_corr < NOISE_FINE_CORR and flatness > NOISE_RAW_FLATNESS)


def octave_levels(power: Array, frequencies: Array) -> Array:
    """Levels by octave: noise keeps them, and what has no lines but is played or breathed does not.

    Args:
        power: (T, F) in the bins of :func:`tunesmith.audio.measure.spectrum.noise_band`.
        frequencies: (F,) of these.

    Returns:
        (T, B) dB of the octaves of which at least 16 bins are there; of all bins together where none is.
    """
    edges = np.searchsorted(frequencies, _OCTAVES_HZ)
    parts = [(low, high) for low, high in pairwise(edges) if high - low >= _FEWEST_OCTAVE_BINS]
    sums = [power[:, low:high].sum(axis=1) for low, high in parts or [(0, len(frequencies))]]
    return 10 * np.log10(np.stack(sums, axis=1) + _FLOOR)


def noise_windows(
    flatness: Array, white: Array, fine: Array, active: Array, hop_s: float, octaves: Array | None = None
) -> NoiseWindows:
    """Finds noise in a part of a clip, which a median over the clip hides.

    Args:
        flatness: (T,) raw flatness by frame.
        white: (T,) the whitened one.
        fine: (T-2,) correlation.
        active: (T,) frames within 40 dB of the loudest.
        hop_s: Seconds between frames.
        octaves: (T, B) from :func:`octave_levels`; without them nothing is known of movement.

    Returns:
        The share of 2 s windows (1 s in clips under 8 s, each half over the last) that are noise, and where their
        longest run lies: NaN when it has fewer than three windows (two in short clips), or is neither flatter than the
        rest nor as steady as noise beside a rest that moves, as noisy drums are throughout.
    """
    short = len(white) * hop_s < _SHORT_S
    width = max(8, round((_WINDOW_OF_SHORT_S if short else _WINDOW_S) / hop_s))
    step = max(1, width // 2)
    starts = range(0, len(white) - width + 1, step)
    found = [_noise_window(flatness, white, fine, active, slice(start, start + width)) for start in starts]
    if not found:
        return NoiseWindows(math.nan, math.nan, math.nan, math.nan)
    verdicts = np.array([verdict for verdict, _ in found])
    levels = np.array([level for _, level in found])
    moves = np.full(len(found), math.nan)
    if octaves is not None:
        moves = np.array([np.median(np.std(octaves[start : start + width], axis=0)) for start in starts])
    share = float(verdicts.mean())
    steady = verdicts & (moves < STEADY_DB)  # drums of noise beside it pass for noise too, but do not stand still
    for flags, values, stands_out in (
        (verdicts, levels, _turns),
        (steady, moves, _settles),
        (verdicts, levels, _alone),
    ):
        first, last = longest_run(flags)
        if last - first >= _FEWEST_WINDOWS - short and stands_out(values, first, last):
            end = len(white) if last == len(verdicts) else (last - 1) * step + width
            std = float(np.percentile(moves[first:last], _QUARTER))
            return NoiseWindows(share, first * step * hop_s, end * hop_s, std)
    return NoiseWindows(share, math.nan, math.nan, math.nan)


def _noise_window(flatness: Array, white: Array, fine: Array, active: Array, part: slice) -> tuple[bool, float]:
    """Whether a window is noise, and how flat it is behind its envelope (NaN where it is nearly empty)."""
    chosen = active[part]
    pairs = fine[part.start : part.stop - 2][chosen[2:]]
    if chosen.sum() < len(chosen) // 2 or not len(pairs):
        return False, math.nan
    level = float(np.median(white[part][chosen]))
    return is_noise(float(np.median(flatness[part][chosen])), level, float(np.median(pairs))), level


def longest_run(flags: NDArray[np.bool_]) -> tuple[int, int]:
    """Where the longest run of ``True`` begins and ends (exclusive); (0, 0) without one."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    if not len(edges):
        return 0, 0
    longest = int((edges[1::2] - edges[::2]).argmax())
    return int(edges[2 * longest]), int(edges[2 * longest + 1])


def _others(values: Array, first: int, last: int) -> Array:
    """What is known of the windows beside a run."""
    others = np.concatenate([values[:first], values[last:]])
    known: Array = others[np.isfinite(others)]
    return known


def _alone(values: Array, first: int, last: int) -> bool:
    """Whether there is nothing beside the run."""
    return not len(_others(values, first, last))


def _turns(levels: Array, first: int, last: int) -> bool:
    """Whether flatness steps up, as where music gives way to noise; noisy drums stay as flat throughout."""
    known = _others(levels, first, last)
    return len(known) > 0 and float(np.median(levels[first:last]) - np.median(known)) > _LEAST_TURN


def _settles(moves: Array, first: int, last: int) -> bool:
    """Whether the level stands still as noise's does where the rest moves, as beside noisy drums."""
    known = _others(moves, first, last)
    return len(known) > 0 and float(np.median(known)) > _LEAST_MOVE * float(np.median(moves[first:last]))

"""Whether outputs lie nearer to the clips that were trained on than other clips of their kind do: memorising.

Clips that were held out tell how near to a training clip one comes that is only of its kind. Where training left no
trace of single clips, outputs come no nearer, and output and held-out recording can be exchanged. They are exchanged
as recordings, for clips of one recording resemble one another; outputs that are alike are one draw as well, or many
takes of one piece that lies near to a training clip by chance would look like as many such chances. (To exchange the
labels "training" and "held-out" instead would be as right and tell nothing: if 8 of 28 clips are copied, 4 others
chosen blindly miss them all in 24 %.)

Source: the data-copying test of Meehan et al., "A Non-Parametric Test to Detect Data-Copying in Generative Models"
(2020), here with a permutation test of the mean logarithm, for as few held-out clips as a person has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from tunesmith.evaluation.sound.distance import Windows, nearest, standardised
from tunesmith.evaluation.sound.embedding import clip_vector
from tunesmith.records.sound_comparison import NearestClips

FEWEST = 4
"""Held-out clips and pieces of outputs below which nothing is told."""
_ALIKE = 0.8
"""Of what held-out clips are from training clips: outputs that are nearer to one another in the mean count once."""
_DRAWS, _FEWEST_WAYS = 500, 50  # one of fewer ways is more than 2 % of them
_LEAST_DISTANCE = 1e-3  # of a crop to itself, up to rounding; its logarithm has to be a number


@dataclass(frozen=True)
class KnownClip:
    """A clip of the person's own, after the model's own codec.

    Attributes:
        recording: What it was cut from.
        held_out: Whether it was kept out of training.
        windows: Its windows' vectors (W, D).
    """

    recording: str
    held_out: bool
    windows: NDArray[np.float64]


def nearest_clips(outputs: Windows, known: Sequence[KnownClip]) -> NearestClips | None:
    """How near outputs and held-out clips lie to training clips, and how probable that is where nothing was memorised.

    Clips are heard in crops as long as the outputs, one from every second on, and the nearest crop counts.

    Args:
        outputs: Vectors (W, D) of each output's windows.
        known: Clips that were trained on and clips that were not.

    Returns:
        Distances and p-value; without the p-value where there are too few to tell, and without distances to and of
        held-out clips where there are none. ``None`` with no output or no training clip.
    """
    clips, heard = [clip for clip in known if len(clip.windows)], [each for each in outputs if len(each)]
    if not heard or all(clip.held_out for clip in clips):
        return None
    made, own = standardised([heard, [clip.windows for clip in clips]], [clip.windows for clip in clips])
    length = int(np.median([len(each) for each in made]))
    crops = [_crops(windows, length) for windows in own]
    trained_on, held_out = (
        [c for c, clip in zip(crops, clips, strict=True) if clip.held_out == s] for s in (False, True)
    )
    recordings = [clip.recording for clip in clips if clip.held_out]
    vectors, training = np.array([clip_vector(each) for each in made]), np.concatenate(trained_on)
    near = nearest(vectors, training)
    distances: dict[str, float | None] = dict.fromkeys(("to_held_out", "held_out_to_training", "training_to_held_out"))
    p_value, pieces = None, None
    if held_out:
        others, of_others = np.concatenate(held_out), [nearest(each, training) for each in held_out]
        distances = {
            "to_held_out": float(nearest(vectors, others).mean()),
            "held_out_to_training": float(np.mean([each.mean() for each in of_others])),
            "training_to_held_out": float(np.mean([nearest(each, others).mean() for each in trained_on])),
        }
        owners = _pieces(vectors, _ALIKE * (distances["held_out_to_training"] or 0.0))
        pieces, made_logs = len(set(owners)), by_recording(_logs(near).tolist(), owners)
        own_logs = by_recording([_logs(each).mean() for each in of_others], recordings)
        p_value = _p_value(made_logs, own_logs) if min(pieces, len(held_out)) >= FEWEST else None
    return NearestClips(
        outputs=len(made),
        pieces=pieces,
        training=len(trained_on),
        held_out=len(held_out),
        to_training=float(near.mean()),
        **distances,
        p_value=p_value,
        needed=_needed(pieces or len(made), len(set(recordings)), len(held_out)) if p_value is None else None,
    )


def _pieces(vectors: NDArray[np.float64], alike: float) -> list[str]:
    """Which piece each output is of: those nearer to one another than ``alike``, by average linkage, are of one."""
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(vectors) < 2:
        return ["1"] * len(vectors)
    return [str(piece) for piece in fcluster(linkage(vectors, "average"), alike, "distance")]


def _crops(windows: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Vectors of the crops of so many windows, one from every window on; of the whole where it is no longer."""
    starts = range(max(len(windows) - length, 0) + 1)
    return np.array([clip_vector(windows[start : start + length]) for start in starts])


def _logs(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    logs: NDArray[np.float64] = np.log(np.maximum(distances, _LEAST_DISTANCE))
    return logs


def by_recording(values: Sequence[float], recordings: Sequence[str]) -> NDArray[np.float64]:
    """One mean for every recording."""
    return np.array(
        [
            np.mean([value for value, own in zip(values, recordings, strict=True) if own == name])
            for name in sorted(set(recordings))
        ]
    )


def _p_value(outputs: NDArray[np.float64], held_out: NDArray[np.float64]) -> float | None:
    """One-sided p that the outputs' values are lower: all ways to exchange them where there are few, else draws.

    ``None`` where there are so few that one of them is no proof.
    """
    values, count = np.concatenate([outputs, held_out]), len(outputs)
    if math.comb(len(values), count) < _FEWEST_WAYS:
        return None
    few = math.comb(len(values), count) <= _DRAWS
    lower = [values[list(chosen)].mean() <= outputs.mean() + 1e-9 for chosen in _chosen(len(values), count, all_=few)]
    return float(np.mean(lower)) if few else (1 + sum(lower)) / (1 + len(lower))


def _chosen(of: int, count: int, *, all_: bool) -> Iterator[Sequence[int]]:
    rng = np.random.default_rng(0)
    yield from combinations(range(of), count) if all_ else (rng.permutation(of)[:count].tolist() for _ in range(_DRAWS))


def _needed(pieces: int, recordings: int, clips: int) -> int | None:
    """How many held-out clips, cut as those that are there, would tell; ``None`` with too few pieces for any."""
    if pieces < FEWEST:
        return None
    enough = next(count for count in range(1, _FEWEST_WAYS) if math.comb(pieces + count, count) >= _FEWEST_WAYS)
    return max(FEWEST, math.ceil(enough * max(clips, 1) / max(recordings, 1)))

"""How far a set of clips is from another in sound, beside how far clips of one kind are from each other.

Vectors are standardised by the person's own clips. A clip's windows depend on one another, so pairs within a clip do
not count: counted, eight clips of one kind are 3.1 apart from their like, and without them 0.8.

Source: kernel distance as in Chung et al., "KAD: No More FAD!" (2025): squared maximum mean discrepancy with a Gaussian
kernel as wide as the median distance within the reference, times 100; the data-copying test of Meehan et al. (2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Windows = Sequence[NDArray[np.float64]]
"""Vectors (W, D) of each clip."""
_DRAWS = 40
_FEWEST = 4


@dataclass(frozen=True)
class Distance:
    """A kernel distance and its null.

    Attributes:
        value: Of the clips to the reference.
        null_mean: In the mean over draws of as many reference clips against the others.
        null_spread: Their standard deviation.
        clips: How many clips.
        reference: How many reference clips.
    """

    value: float
    null_mean: float
    null_spread: float
    clips: int
    reference: int

    @property
    def z(self) -> float:
        """How many spreads the distance lies over its null."""
        return (self.value - self.null_mean) / max(self.null_spread, 1e-9)


def standardised(groups: Sequence[Windows], reference: Windows) -> list[list[NDArray[np.float64]]]:
    """Every group's vectors in spreads of the reference's windows."""
    together = np.concatenate(list(reference))
    middle, spread = together.mean(axis=0), together.std(axis=0) + 1e-6
    return [[(clip - middle) / spread for clip in group] for group in groups]


def kernel_distance(views: Sequence[tuple[Windows, Windows]], seed: int = 0) -> Distance | None:
    """Distance of clips to a reference with its null; ``None`` with under four clips on either side.

    Args:
        views: Standardised vectors of each clip and of each reference clip, once by every embedding that hears them:
            the kernel is the mean of their kernels. A clip of which one of them has no vector is left out.
        seed: Of the null's draws, half of the reference against the other half, as many as there are clips at most.
    """
    clips, reference = (_heard_by_all([view[side] for view in views]) for side in (0, 1))
    count, own = len(clips[0]), len(reference[0])
    if min(count, own) < _FEWEST:
        return None
    widths = [_width(np.concatenate(list(each))) for each in reference]

    def distance(first: Sequence[Windows], second: Sequence[Windows]) -> float:
        return float(np.mean([_mmd(*each) for each in zip(first, second, widths, strict=True)]))

    rng = np.random.default_rng(seed)
    nulls = []
    for _ in range(_DRAWS):
        order = rng.permutation(own)
        half = max(2, min(count, own // 2))
        parts = [[[each[i] for i in part] for each in reference] for part in (order[:half], order[half:])]
        nulls.append(distance(*parts))
    return Distance(distance(clips, reference), float(np.mean(nulls)), float(np.std(nulls)), count, own)


def _heard_by_all(views: Sequence[Windows]) -> list[Windows]:
    kept = [i for i, clip in enumerate(zip(*views, strict=True)) if all(len(windows) for windows in clip)]
    return [[view[i] for i in kept] for view in views]


def spread_of(vectors: NDArray[np.float64]) -> float:
    """Mean distance between all pairs of clips: how various they are."""
    first, second = np.triu_indices(len(vectors), 1)
    return float(np.linalg.norm(vectors[first] - vectors[second], axis=1).mean()) if len(first) else float("nan")


def nearest(vectors: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each clip to the nearest of the others."""
    found: NDArray[np.float64] = np.sqrt(_squares(vectors, others).min(axis=1))
    return found


def _mmd(first: Windows, second: Windows, width: float) -> float:
    a, b = np.concatenate(list(first)), np.concatenate(list(second))
    owner_a, owner_b = _owners(first), _owners(second)
    within_a = _kernel(a, a, width)[owner_a[:, None] != owner_a[None]]
    within_b = _kernel(b, b, width)[owner_b[:, None] != owner_b[None]]
    return float(100 * (within_a.mean() + within_b.mean() - 2 * _kernel(a, b, width).mean()))


def _owners(clips: Windows) -> NDArray[np.int64]:
    return np.repeat(np.arange(len(clips)), [len(clip) for clip in clips])


def _width(vectors: NDArray[np.float64]) -> float:
    squares = _squares(vectors, vectors)[np.triu_indices(len(vectors), 1)]
    return float(np.sqrt(np.median(squares))) or 1.0


def _kernel(a: NDArray[np.float64], b: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    kernel: NDArray[np.float64] = np.exp(-_squares(a, b) / (2 * width**2))
    return kernel


def _squares(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None] - 2 * a @ b.T
    clipped: NDArray[np.float64] = np.maximum(squares, 0)
    return clipped

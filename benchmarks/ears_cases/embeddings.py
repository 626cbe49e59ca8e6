"""What the distance may be told from."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tunesmith.ears.musicnn import MusicEar
from tunesmith.evaluation.sound.embedding import window_vectors

EMBEDDINGS = {"plain": ("plain",), "with musicnn": ("plain", "musicnn")}


def embedding(name: str) -> Callable[[NDArray[np.floating], int], NDArray[np.float64]]:
    """Sound (N, C) and its rate to its windows' vectors."""
    return window_vectors if name == "plain" else MusicEar().windows

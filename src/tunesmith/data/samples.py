"""Lists of samples that are not held in memory: what may be asked of one without reading its samples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from tunesmith.data.sample import Sample


class Ids(Sequence[str]):
    """Ids of samples, each read when it is asked for."""

    @abstractmethod
    def order(self) -> np.ndarray:
        """Their places in order of name."""


class Samples(Sequence[Sample]):
    """Samples, each read when it is asked for."""

    @property
    @abstractmethod
    def ids(self) -> Ids:
        """The id of every sample."""

    @property
    @abstractmethod
    def is_replay(self) -> np.ndarray:
        """Which samples are from the replay set (bool)."""


def ids_of(samples: Sequence[Sample]) -> Sequence[str]:
    """The id of every sample."""
    return samples.ids if isinstance(samples, Samples) else [sample.id for sample in samples]


def in_order(names: Sequence[str]) -> Sequence[int] | np.ndarray:
    """Places of names in their order."""
    return names.order() if isinstance(names, Ids) else sorted(range(len(names)), key=names.__getitem__)

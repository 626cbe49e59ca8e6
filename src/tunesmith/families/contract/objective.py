"""Role objective: from encoded items to a loss, and what that loss should be."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.loss_terms import LossTerm, TermSum, summed

if TYPE_CHECKING:
    from torch import nn

Batch = dict[str, Any]
"""What collate makes: tensors (moved to the device by the loop) and plain values (left alone)."""


class Objective(ABC):
    """A family's training objective."""

    @abstractmethod
    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Batch encoded (already cropped) items; ``rngs`` is ``None`` when measuring, so nothing is random then.

        Beside the fields an item holds ``crop``: where its window begins, its length and the clip's, in frames.
        """

    def loss_denominators(self, batch: Batch) -> dict[str, float]:
        """The denominator of every term :meth:`loss` will return for ``batch``; known before the forward pass.

        By default what :meth:`collate` put under ``denominators``: how many targets each term has.
        """
        denominators: dict[str, float] = batch["denominators"]
        return denominators

    @abstractmethod
    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """The family's objective on one batch, by named term; ``rngs`` is ``None`` for the held-out measurement.

        ``networks`` are those of the present phase: a family with several gives the terms of those that are there.
        """

    def chance_loss(self) -> float | None:
        """The held-out loss of a model that knows nothing (a uniform guess, no velocity), if the objective has one."""
        return None

    def max_base_loss_ratio(self) -> float:
        """Share of :meth:`chance_loss` that a sound base model stays under on music it has not heard."""
        return 0.85

    def trained_frames(self, batch: Batch) -> float:
        """Frames of a batch (on the clock of its first timed field) that carry a target, on average over the terms."""
        denominators = self.loss_denominators(batch)
        return sum(denominators.values()) / max(1, len(denominators))

    def sums_of_each(
        self,
        networks: Mapping[str, nn.Module],
        items: Sequence[Mapping[str, np.ndarray]],
        to_device: Callable[[Batch], Batch],
        *,
        look: int | None = None,
    ) -> list[dict[str, TermSum]]:
        """Each item's terms by itself, in their order, measured (nothing is drawn) without gradients.

        Args:
            networks: Those of the present phase.
            items: As :meth:`collate` takes them.
            to_device: Moves a batch to the networks.
            look: All terms where it is ``None``. 0: only those that tell best whether a text is the clip's own; 1: the
                others that tell it, in passes of their own, which may not be needed.

        Returns:
            The terms of each item; nothing where a second look has no others.
        """
        if look:
            return []
        alone = (to_device(self.collate([item], None)) for item in items)
        return [summed(self.loss(networks, batch, None)) for batch in alone]

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """Deliberately wrong readings of the data (a layout, a shift) whose loss must be worse than the right one."""
        return {}

"""Role objective: rectified flow over music latents; the maths are in ``objective.py``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.ace_step.checkpoint import AceStepCheckpoint
from tunesmith.families.ace_step.config import NETWORK
from tunesmith.families.contract import Batch, Objective
from tunesmith.families.loss_terms import LossTerm, TermSum

if TYPE_CHECKING:
    from torch import nn


class AceStepObjective(Objective):
    """Flow matching over latents, and the projection losses where they are on."""

    def __init__(self, checkpoint: AceStepCheckpoint) -> None:
        self.checkpoint = checkpoint

    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Latents, noise, noise levels and conditions."""
        from tunesmith.families.ace_step.collate import collate

        return collate(items, rngs, self.checkpoint.settings, self.checkpoint.ssl_names)

    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """Error of the estimated clean latents, and the projection losses when they are on."""
        from tunesmith.families.ace_step.objective import ace_step_loss

        return ace_step_loss(networks[NETWORK], batch, self.checkpoint.ssl_names)

    def chance_loss(self) -> float:
        """The held-out loss of a model that knows nothing (no velocity), for latents of unit variance."""
        from tunesmith.families.ace_step.objective import zero_velocity_loss

        return zero_velocity_loss(self.checkpoint.settings.shift)

    def sums_of_each(
        self,
        networks: Mapping[str, nn.Module],
        items: Sequence[Mapping[str, np.ndarray]],
        to_device: Callable[[Batch], Batch],
        *,
        look: int | None = None,
    ) -> list[dict[str, TermSum]]:
        """Short clips pass together; a text is told at the noisier levels: near the music latents say what they are."""
        from tunesmith.families.ace_step.objective import at_look, measured_together, sums_by_item

        found: dict[int, dict[str, TermSum]] = {}
        compared = () if look == 0 else self.checkpoint.ssl_names  # which is done at the noisiest level
        for rows in measured_together(items):
            batch = to_device(self.collate([items[row] for row in rows], None))
            asked = batch if look is None else at_look(batch, look)
            found.update(zip(rows, sums_by_item(networks[NETWORK], asked, compared), strict=True))
        return [found[row] for row in range(len(items))]

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """Latents upside down: low frequencies where high ones belong."""

        def upside_down(networks: Mapping[str, nn.Module], batch: Batch) -> dict[str, LossTerm]:
            from tunesmith.families.ace_step.objective import upside_down

            return self.loss(networks, upside_down(batch), None)

        return {"upside_down": upside_down}

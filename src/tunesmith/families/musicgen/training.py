"""Role objective: next-code cross-entropy under the delay pattern; the maths are in ``objective.py``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Batch, Objective
from tunesmith.families.loss_terms import LossTerm
from tunesmith.families.musicgen.checkpoint import MusicGenCheckpoint
from tunesmith.families.musicgen.config import NETWORK

if TYPE_CHECKING:
    from torch import nn


class MusicGenObjective(Objective):
    """Cross-entropy per codebook under the delay pattern."""

    def __init__(self, checkpoint: MusicGenCheckpoint) -> None:
        self.checkpoint = checkpoint

    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Codes, text states and their mask."""
        from tunesmith.families.musicgen.collate import collate

        return collate(items, rngs, self.checkpoint.config, self.checkpoint.settings.text_dropout)

    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """Cross-entropy per codebook under the delay pattern."""
        from tunesmith.families.musicgen.objective import musicgen_loss

        config = self.checkpoint.config
        return musicgen_loss(networks[NETWORK], batch, config.delays, config.pad)

    def chance_loss(self) -> float:
        """Ln V, the cross-entropy of a uniform guess."""
        return math.log(self.checkpoint.config.vocab_size)

    def max_base_loss_ratio(self) -> float:
        """0.85: real ones start at 4 to 5.5 nats of 7.6. The pocket model knows six styles and must beat a guess."""
        return 1.0 if self.checkpoint.pocket else 0.85

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """The parallel layout (no delay): what transformers' ``labels`` give, and worse for every real checkpoint."""

        def parallel(networks: Mapping[str, nn.Module], batch: Batch) -> dict[str, LossTerm]:
            from tunesmith.families.musicgen.objective import musicgen_loss, term_weights

            config = self.checkpoint.config
            none = (0,) * config.num_codebooks
            undelayed = {**batch, "denominators": term_weights(batch["frames"], none)}
            return musicgen_loss(networks[NETWORK], undelayed, none, config.pad)

        return {"layout": parallel}

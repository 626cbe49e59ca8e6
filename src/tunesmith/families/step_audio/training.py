"""Role objective: cross-entropy of codes and flow matching of mel frames; the maths are in ``objective.py``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunesmith.data.item_rng import ItemRng
from tunesmith.families.contract import Batch, Objective
from tunesmith.families.loss_terms import LossTerm
from tunesmith.families.step_audio.checkpoint import StepAudioCheckpoint
from tunesmith.families.step_audio.config import FLOW, GROUP, LLM
from tunesmith.families.step_audio.sizes import IDS_PER_SECOND, MEL_RATE

if TYPE_CHECKING:
    from torch import nn


class StepAudioObjective(Objective):
    """Both losses, of the networks that are in the phase."""

    def __init__(self, checkpoint: StepAudioCheckpoint) -> None:
        self.checkpoint = checkpoint

    def collate(self, items: Sequence[Mapping[str, np.ndarray]], rngs: Sequence[ItemRng] | None) -> Batch:
        """Ids for the LLM; mel, noise, times and conditions for the flow."""
        from tunesmith.families.step_audio.collate import collate

        return collate(items, rngs, self.checkpoint.settings, self.checkpoint.ids)

    def loss(
        self, networks: Mapping[str, nn.Module], batch: Batch, rngs: Sequence[ItemRng] | None
    ) -> dict[str, LossTerm]:
        """Cross-entropy of the answer's ids and error of the velocity, of the networks that are there and train."""
        from tunesmith.families.step_audio.objective import step_audio_loss

        trained = {name: network for name, network in networks.items() if name in self.checkpoint.trained}
        return step_audio_loss(trained, batch, rngs, self.checkpoint.settings, self.checkpoint.ids)

    def trained_frames(self, batch: Batch) -> float:
        """Target frames of the network that learns from more clips (others may lack texts, or audio)."""
        weights = batch["denominators"]
        flow = [weights[name] for name in batch.get("flow_names", ())[:1]] if FLOW in self.checkpoint.trained else []
        frames: float = max(
            [weights[LLM] * MEL_RATE / IDS_PER_SECOND if LLM in self.checkpoint.trained else 0.0, *flow]
        )
        return frames

    def chance_loss(self) -> float | None:
        """Cross-entropy of a guess among the codes whose turn it is; the flow's error has no such level."""
        if self.checkpoint.settings.train == FLOW:
            return None
        return (2 * math.log(self.checkpoint.ids.vq02) + 3 * math.log(self.checkpoint.ids.vq06)) / GROUP

    def sanity_variants(self) -> dict[str, Callable[[Mapping[str, nn.Module], Batch], dict[str, LossTerm]]]:
        """Speech backwards, in codes and mel."""

        def backwards(networks: Mapping[str, nn.Module], batch: Batch) -> dict[str, LossTerm]:
            from tunesmith.families.step_audio.objective import backwards

            return self.loss(networks, backwards(batch), None)

        return {"backwards": backwards}

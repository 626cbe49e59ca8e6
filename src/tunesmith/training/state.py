"""What the steps of training share: the networks, the optimizer, the clips, and how far the run is."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import nn

from tunesmith.adapters.parameters import ParameterKey
from tunesmith.data.replay import Mix
from tunesmith.families.contract import Batch, Family
from tunesmith.recipe.models import Recipe, TrainRecipe
from tunesmith.records.environment import PrecisionTrial
from tunesmith.training.clips import Clips
from tunesmith.training.ema import Ema
from tunesmith.training.phases import Phase
from tunesmith.training.progress import Progress
from tunesmith.training.schedule import Schedule
from tunesmith.training.sharding import Shards

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accelerate import Accelerator


class RunClips(NamedTuple):
    """The clips of a run: the user's own and replay ones to train on, own held-out ones, held-out replay ones."""

    train: Clips
    valid: Clips | None = None
    replayed: Clips | None = None
    mix: Mix | None = None


@dataclass
class TrainState:
    """All that the loop needs, built once."""

    family: Family
    recipe: Recipe
    accelerator: Accelerator
    networks: dict[str, nn.Module]
    parameters: dict[ParameterKey, nn.Parameter]
    optimizer: Any
    train: Clips
    valid: Clips | None
    replayed: Clips | None
    schedule: Schedule
    stages: tuple[Phase, ...]
    ema: Ema[ParameterKey] | None
    fresh: dict[ParameterKey, torch.Tensor] = field(default_factory=dict)
    progress: Progress = field(default_factory=Progress)
    trial: PrecisionTrial | None = None
    shards: Shards | None = None

    @property
    def precision(self) -> str:
        """What is computed in: ``fp32``, ``bf16`` or ``fp16``."""
        name: str = self.accelerator.mixed_precision
        return "fp32" if name == "no" else name

    @property
    def updates(self) -> int:
        """Updates of all stages; a stage that stops early makes it fewer."""
        return sum(stage.updates for stage in self.stages)

    @property
    def stage(self) -> Phase:
        """The present stage."""
        return self.stages[self.progress.stage]

    @property
    def stage_over(self) -> bool:
        """Whether the present stage has had all its updates."""
        return self.progress.update - self.progress.stage_began >= self.stage.updates

    @property
    def last_stage(self) -> bool:
        """Whether no stage follows the present one."""
        return self.progress.stage + 1 == len(self.stages)

    @property
    def over(self) -> bool:
        """Whether there is nothing left to do."""
        return self.last_stage and (self.stage_over or self.progress.finished)

    @property
    def active(self) -> dict[str, nn.Module]:
        """The networks of the present stage."""
        return {name: self.networks[name] for name in self.stage.networks}

    @property
    def settings(self) -> TrainRecipe:
        """The recipe's training section."""
        return self.recipe.train

    def to_device(self, batch: Batch) -> Batch:
        """Tensors to the run's device, the rest as it is."""
        return to_device(batch, self.accelerator.device)

    def chosen_weights(self) -> AbstractContextManager[None]:
        """The weights that are evaluated, kept as the best and exported: the average if the recipe asks for it."""
        if self.ema is not None and self.settings.use_weights == "ema":
            return self.ema.applied()
        return nullcontext()

    @contextmanager
    def led(self) -> Iterator[bool]:
        """A block whose content is the main process's alone; where the base is divided, the others help inside.

        Yields:
            Whether this is the main process, so that there is something to do.
        """
        if self.shards is None:
            yield self.accelerator.is_main_process
        elif self.accelerator.is_main_process:
            with self.shards.leading():
                yield True
        else:
            self.shards.follow()
            yield False

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Evaluation mode with the chosen weights, without gradients."""
        for network in self.networks.values():
            network.eval()
        with self.chosen_weights(), torch.no_grad():
            yield
        for network in self.networks.values():
            network.train()


def to_device(batch: Batch, device: torch.device | str) -> Batch:
    """Tensors to ``device``, the rest as it is."""
    return {k: v.to(device, non_blocking=True) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}

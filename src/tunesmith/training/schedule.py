"""What happens at which update: clips, stage and learning rate, all from the update's number alone.

Nothing here keeps state, so resuming needs only the number.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tunesmith.data.batches import EpochDraws, EpochPlan, plan_epoch
from tunesmith.data.machine import return_free_memory
from tunesmith.data.replay import Mix
from tunesmith.data.sample import Sample
from tunesmith.recipe.models import TrainRecipe
from tunesmith.training.clips import Clips, Crop

DEFAULT_UPDATES = 400
WARMUP_SHARE, WARMUP_LIMIT = 0.05, 0.10
MANY = 100_000
"""Clips from which on opening them or planning an epoch leaves so much free memory that the system may have it back."""


@dataclass(frozen=True)
class WarmUp:
    """Warm-up updates that will be done, and how many were asked for."""

    updates: int
    asked: int | None

    @property
    def cut(self) -> bool:
        """Whether it was shortened."""
        return self.asked is not None and self.updates < self.asked


def updates_for(recipe: TrainRecipe, clips: int, processes: int = 1) -> int:
    """How many updates a run takes over so many clips, when stages have no lengths of their own."""
    if recipe.updates is not None:
        return recipe.updates
    by_epochs = updates_in(recipe.epochs, recipe, clips, processes)
    return DEFAULT_UPDATES if by_epochs is None else by_epochs


def updates_in(epochs: int | None, recipe: TrainRecipe, clips: int, processes: int = 1) -> int | None:
    """Updates of so many passes over the clips."""
    return None if epochs is None else epochs * math.ceil(clips / clips_per_update(recipe, processes))


def clips_per_update(recipe: TrainRecipe, processes: int = 1) -> int:
    """The effective batch size."""
    return recipe.batch_size * recipe.accumulation * processes


def listed_epoch(samples: Iterable[Sample], per_update: int) -> int:
    """Updates of one pass over a dataset as it was listed, repeats and held-out clips counted.

    Trainers that take a list as it stands call this an epoch; here repeats are collapsed and a clip is drawn as often
    as any other.
    """
    times: dict[str, int] = {}
    for sample in samples:
        # A held-out end and the rest of its track are one entry of the list.
        entry = " ".join(sorted(audio.path for audio in sample.audios.values())) or sample.id
        times[entry] = max(times.get(entry, 0), sample.repeats)
    return max(1, math.ceil(sum(times.values()) / per_update))


def warm_up(recipe: TrainRecipe, updates: int) -> WarmUp:
    """Warm-up of at most 10 % of the updates.

    A warm-up as long as the run means that the peak is reached at the last update, if ever: a run that looks like a
    learning rate too small and ends on its largest.
    """
    limit = max(1, int(updates * WARMUP_LIMIT))
    if recipe.warmup_updates is None:
        return WarmUp(min(limit, max(1, round(updates * WARMUP_SHARE))), None)
    return WarmUp(min(limit, recipe.warmup_updates), recipe.warmup_updates)


def learning_rate(recipe: TrainRecipe, update: int, updates: int, warmup: int) -> float:
    """Learning rate of update ``update`` (from 0): linear warm-up that ends at the peak, then the chosen fall."""
    if update < warmup:
        return recipe.learning_rate * (update + 1) / warmup
    share = (update - warmup) / max(1, updates - warmup)
    match recipe.schedule:
        case "constant":
            fall = 1.0
        case "linear":
            fall = 1 - share
        case _:
            fall = 0.5 * (1 + math.cos(math.pi * share))
    return recipe.learning_rate * (recipe.min_lr_share + (1 - recipe.min_lr_share) * fall)


class Schedule:
    """Which clips, windows and draws make up an update.

    Args:
        clips: The training clips.
        per_update: Clips per update over all processes.
        seed: The run's seed.
        mix: How many of the clips that are replay an epoch draws; without it every clip comes once per epoch.
    """

    def __init__(self, clips: Clips, per_update: int, seed: int, mix: Mix | None = None) -> None:
        self.clips, self.per_update, self.seed, self.mix = clips, per_update, seed, mix
        self.per_epoch = math.ceil(self.clips_per_epoch / per_update)
        self._planned: tuple[int, EpochPlan] | None = None

    @property
    def clips_per_epoch(self) -> int:
        """Clips of one epoch: all of the user's own, and those that are drawn from the replay set."""
        return len(self.clips) if self.mix is None else self.mix.per_epoch

    def epoch_of(self, update: int) -> int:
        """The epoch of an update."""
        return update // self.per_epoch

    def epoch(self, epoch: int) -> tuple[EpochPlan, EpochDraws]:
        """Plan and draws of one epoch; the last one asked for is kept."""
        draws = EpochDraws(self.seed, epoch, self.clips.ids)
        if self._planned is None or self._planned[0] != epoch:
            self._planned = None  # its memory serves the next one
            self._planned = epoch, self._plan(draws)
        return self._planned[1], draws

    def _plan(self, draws: EpochDraws) -> EpochPlan:
        plan = plan_epoch(
            self.clips.ids,
            self.clips.lengths(draws),
            per_update=self.per_update,
            seed=self.seed,
            epoch=draws.epoch,
            chosen=self.chosen(draws.epoch),
        )
        if len(self.clips) >= MANY:
            return_free_memory()
        return plan

    def chosen(self, epoch: int) -> list[int] | None:
        """Indices of the clips of one epoch; ``None`` where it has them all."""
        if self.mix is None:
            return None
        drawn = self.mix.of_epoch(self.seed, epoch)
        replay, ids = self.clips.is_replay.tolist(), self.clips.ids
        return [i for i, of_replay in enumerate(replay) if not of_replay or ids[i] in drawn]

    def items(self, update: int) -> tuple[tuple[int, ...], dict[int, Crop], EpochDraws, dict[int, int]]:
        """Clip indices of an update, with their windows, the epoch's draws and their window lengths by index."""
        plan, draws = self.epoch(self.epoch_of(update))
        chosen = plan.update(update % self.per_epoch)
        crops = {i: self.clips.crop(i, draws[i]) for i in chosen}
        return chosen, crops, draws, {i: crop.length for i, crop in crops.items()}

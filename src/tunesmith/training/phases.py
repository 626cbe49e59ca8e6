"""Training in stages: which networks train when, for how long, and what one stage hands on to the next.

Each stage has its own warm-up, fall of the learning rate, early stopping and best checkpoint; it hands on its best
weights, and those it began with when it found none better than them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunesmith.errors import TunesmithError
from tunesmith.families.contract import PhaseSpec
from tunesmith.recipe.models import StageRecipe, TrainRecipe
from tunesmith.texts import msg
from tunesmith.training.schedule import WarmUp, updates_for, updates_in, warm_up

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Phase:
    """One stage of a run, its length known."""

    name: str
    networks: tuple[str, ...]
    updates: int
    lr_factor: float
    warmup: WarmUp


def plan_phases(specs: Sequence[PhaseSpec], recipe: TrainRecipe, clips: int, processes: int = 1) -> tuple[Phase, ...]:
    """The stages of a run.

    Args:
        specs: The family's stages.
        recipe: Lengths of stages by name; the others share the run's own number of updates.
        clips: How many clips are trained on.
        processes: How many processes share an update.

    Raises:
        TunesmithError: for a stage that the family does not have, or when no stage is left.
    """
    unknown = sorted(recipe.stages.keys() - {spec.name for spec in specs})
    if unknown:
        raise TunesmithError(
            msg("there is no training stage {unknown}", unknown=unknown[0]),
            where=f"train.stages.{unknown[0]}",
            remedy=msg("This run has {names}.", names=[spec.name for spec in specs]),
        )
    lengths = _lengths(specs, recipe, clips, processes)
    stages = tuple(
        Phase(spec.name, spec.networks, length, _factor(spec, recipe), warm_up(recipe, length))
        for spec, length in zip(specs, lengths, strict=True)
        if length > 0 and spec.networks
    )
    if not stages:
        raise TunesmithError(
            msg("no training stage has any updates"), where="train.stages", remedy=msg("Give one some epochs.")
        )
    return stages


def total_updates(recipe: TrainRecipe, clips: int, processes: int = 1) -> int:
    """Updates of a run as far as its recipe tells; of stages without a length of their own, all together."""
    own = [length for one in recipe.stages.values() if (length := _own(one, recipe, clips, processes)) is not None]
    return sum(own) if own else updates_for(recipe, clips, processes)


def _lengths(specs: Sequence[PhaseSpec], recipe: TrainRecipe, clips: int, processes: int) -> list[int]:
    own = [_own(recipe.stages.get(spec.name), recipe, clips, processes) for spec in specs]
    shares = [spec.share if length is None else 0.0 for spec, length in zip(specs, own, strict=True)]
    whole, total = sum(shares), updates_for(recipe, clips, processes)
    lengths, passed = [], 0.0
    for length, share in zip(own, shares, strict=True):
        begin, passed = passed, passed + share
        shared = round(total * passed / whole) - round(total * begin / whole) if share else 0
        lengths.append(shared if length is None else length)
    return lengths


def _own(stage: StageRecipe | None, recipe: TrainRecipe, clips: int, processes: int) -> int | None:
    if stage is None:
        return None
    return stage.updates if stage.updates is not None else updates_in(stage.epochs, recipe, clips, processes)


def _factor(spec: PhaseSpec, recipe: TrainRecipe) -> float:
    own = recipe.stages.get(spec.name)
    return own.lr_factor if own is not None and own.lr_factor is not None else spec.lr_factor

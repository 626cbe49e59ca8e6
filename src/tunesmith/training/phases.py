"""Training in stages: which networks train when, for how long, and with which weights the next stage begins.

Each stage has its own warm-up, fall of the learning rate, early stopping and best checkpoint. The next stage begins
with its best weights, or with those that it began with itself when it found none better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunesmith.adapters.settings import AdapterRecipe
from tunesmith.errors import TunesmithError
from tunesmith.families.contract import PhaseSpec
from tunesmith.recipe.models import StageRecipe, TrainRecipe
from tunesmith.texts import msg
from tunesmith.training.optimizers import rate_of
from tunesmith.training.schedule import WarmUp, updates_for, updates_in, warm_up


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
            msg("there is no training stage {name}", name=unknown[0]),
            where=f"train.stages.{unknown[0]}",
            remedy=msg("This run has {names}.", names=tuple(spec.name for spec in specs)),
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


def peak_rates(stages: Sequence[Phase], train: TrainRecipe, adapter: AdapterRecipe) -> dict[str, float]:
    """The highest learning rate of every network that trains, over all stages."""
    peaks: dict[str, float] = {}
    for stage in stages:
        for network in stage.networks:
            rate = rate_of(network, train, adapter) * stage.lr_factor
            peaks[network] = max(rate, peaks.get(network, 0.0))
    return peaks


def shown_rates(peaks: Mapping[str, float]) -> str:
    """Peak learning rates: one where all networks have the same, else each with its network."""
    if len(set(peaks.values())) == 1:
        return f"{next(iter(peaks.values())):g}"
    return ", ".join(f"{rate:g} ({network})" for network, rate in peaks.items())


def _lengths(specs: Sequence[PhaseSpec], recipe: TrainRecipe, clips: int, processes: int) -> list[int]:
    set_lengths = [_set_length(recipe.stages.get(spec.name), recipe, clips, processes) for spec in specs]
    shares = [_share(spec, recipe) if length is None else 0.0 for spec, length in zip(specs, set_lengths, strict=True)]
    whole, total = sum(shares), updates_for(recipe, clips, processes)
    lengths, passed = [], 0.0
    for length, share in zip(set_lengths, shares, strict=True):
        begin, passed = passed, passed + share
        shared = round(total * passed / whole) - round(total * begin / whole) if share else 0
        lengths.append(shared if length is None else length)
    return lengths


def _share(spec: PhaseSpec, recipe: TrainRecipe) -> float:
    """The share of the run's updates that a stage without a length has; none where it trains nothing."""
    stage = recipe.stages.get(spec.name)
    if not spec.networks:
        return 0.0
    return spec.share if stage is None or stage.share is None else stage.share


def _set_length(stage: StageRecipe | None, recipe: TrainRecipe, clips: int, processes: int) -> int | None:
    """Updates of a stage, where the recipe sets its length; else ``None``."""
    if stage is None or stage.share is not None:
        return None
    return stage.updates if stage.updates is not None else updates_in(stage.epochs, recipe, clips, processes)


def _factor(spec: PhaseSpec, recipe: TrainRecipe) -> float:
    stage = recipe.stages.get(spec.name)
    return stage.lr_factor if stage is not None and stage.lr_factor is not None else spec.lr_factor

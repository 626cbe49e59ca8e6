"""Lengths that are asked for on the command line: they replace those of the file, also where stages have their own."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tunesmith.errors import TunesmithError
from tunesmith.recipe.models import Recipe, StageRecipe, TrainRecipe
from tunesmith.texts import msg


def with_asked_lengths(recipe: Recipe, asked: Collection[str]) -> Recipe:
    """A recipe as the command line means it.

    Epochs that are asked for replace updates that the file gives. Updates or epochs of the whole run are shared by its
    stages in the proportion of the lengths that they have in the file.

    Args:
        recipe: The recipe with the overrides in it.
        asked: Names of the keys that were overridden.

    Raises:
        TunesmithError: where some stages have their length in updates and others in epochs.
    """
    train = recipe.train
    if "train.epochs" in asked and "train.updates" not in asked:
        train = train.model_copy(update={"updates": None})
    stages = {name: _epochs_asked(stage, f"train.stages.{name}", asked) for name, stage in train.stages.items()}
    if {"train.updates", "train.epochs"}.intersection(asked):
        stages = {**stages, **_shared({name: stage for name, stage in stages.items() if not _own(name, asked)})}
    if stages == recipe.train.stages and train == recipe.train:
        return recipe
    return recipe.model_copy(update={"train": train.model_copy(update={"stages": stages})})


def scaled_stages(recipe: TrainRecipe) -> list[str]:
    """Stages that share the run's length."""
    return [name for name, stage in recipe.stages.items() if stage.share is not None]


def _own(name: str, asked: Collection[str]) -> bool:
    return any(f"train.stages.{name}.{key}" in asked for key in ("updates", "epochs", "share"))


def _epochs_asked(stage: StageRecipe, prefix: str, asked: Collection[str]) -> StageRecipe:
    if f"{prefix}.epochs" in asked and f"{prefix}.updates" not in asked:
        return stage.model_copy(update={"updates": None})
    return stage


def _shared(stages: Mapping[str, StageRecipe]) -> dict[str, StageRecipe]:
    """Stages with a share of the run in the place of their lengths; one that is left out stays so."""
    by_updates = {name: stage.updates for name, stage in stages.items() if stage.updates}
    by_epochs = {name: stage.epochs for name, stage in stages.items() if stage.updates is None and stage.epochs}
    if by_updates and by_epochs:
        raise TunesmithError(
            msg("some stages have their length in updates and others in epochs, so they cannot be scaled together"),
            where="train.updates",
            remedy=msg(
                "Set the stages' own lengths: {keys}.", keys=tuple(f"train.stages.{name}.updates" for name in stages)
            ),
        )
    lengths: dict[str, int] = {**by_updates, **by_epochs}
    total = sum(lengths.values())
    return {
        name: stages[name].model_copy(update={"updates": None, "epochs": None, "share": length / total})
        for name, length in lengths.items()
    }

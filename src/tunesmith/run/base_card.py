"""The facts of a run's base model, without downloading it."""

from __future__ import annotations

from pathlib import Path

from tunesmith.families.contract.card import ModelCard
from tunesmith.families.contract.family import Family
from tunesmith.recipe.models import Recipe


def card_for_planning(recipe: Recipe, family: Family | None = None) -> tuple[ModelCard, bool] | None:
    """The base model's card and whether its weights are on this machine, without downloading anything.

    Args:
        recipe: The recipe that names the base model.
        family: The family over that model where it is open already.

    Returns:
        ``None`` for a hub checkpoint that is neither on this machine nor one of the published sizes.

    Raises:
        TunesmithError: when no family knows the checkpoint, or it is broken.
    """
    from tunesmith.families.hub import is_downloaded
    from tunesmith.families.registry import make_family, recognise
    from tunesmith.pocket.shipped import is_pocket

    path = recipe.model.path
    if family is None:
        family = make_family(path, recipe.model.family or recognise(path), recipe.options)
    if is_pocket(path) or Path(path).is_dir() or path.count("/") != 1:
        return family.card.facts(), True
    cached = is_downloaded(path, None, family.card.config_file)
    if published := family.card.published():
        return published, cached
    return (family.card.facts(), True) if cached else None

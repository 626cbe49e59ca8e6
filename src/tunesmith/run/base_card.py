"""The facts of a run's base model, without downloading it, and without opening it where the run has kept them."""

from __future__ import annotations

from pathlib import Path

from tunesmith import __version__
from tunesmith.data.content import content_key
from tunesmith.errors import TunesmithError
from tunesmith.families.contract.card import ModelCard
from tunesmith.families.contract.family import Family
from tunesmith.recipe.decided import plain, type_of
from tunesmith.recipe.models import Recipe
from tunesmith.records.base_model import BaseModelRecord
from tunesmith.run.context import RunContext


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


def base_model(context: RunContext) -> BaseModelRecord:
    """What the stages need to know of a run's base model: as the run keeps it where that is still true, else read anew.

    Raises:
        TunesmithError: when no family knows the checkpoint, or it is broken.
    """
    return kept_base(context) or keep_base(context)


def kept_base(context: RunContext) -> BaseModelRecord | None:
    """What the run folder keeps of its base model; ``None`` of another model, or where its files have changed since."""
    path = context.folder.base_model
    try:
        kept = BaseModelRecord.read(path) if path.exists() else None
    except TunesmithError:  # damaged, or of a later version: it is read anew
        return None
    return kept if kept is not None and _whose(kept) == _whose(_empty(context)) else None


def keep_base(context: RunContext) -> BaseModelRecord:
    """Read what the stages need to know of the base model, and keep it in the run folder.

    Raises:
        TunesmithError: as :func:`base_model`; when the folder cannot be written.
    """
    card, local = card_for_planning(context.recipe, context.family) or (None, False)
    fields = {spec.name: spec.dtype for spec in context.family.encoding.fields()} if local else {}
    found = _empty(context).model_copy(update={"family": context.family.name, "card": card, "fields": fields})
    found.write(context.folder.base_model)
    return found


def _empty(context: RunContext) -> BaseModelRecord:
    """The record of the base model that the recipe names, without what is in it."""
    model, kind = context.recipe.model, type_of(context.recipe)
    return BaseModelRecord(
        path=model.path,
        family=kind.name if kind else "",
        revision=model.revision,
        options=plain(context.recipe.options),
        state=_state_of_files(model.path),
        version=__version__,
    )


def _whose(record: BaseModelRecord) -> BaseModelRecord:
    return record.model_copy(update={"card": None, "fields": {}})


def _state_of_files(path: str) -> str:
    """Key of name, size and time of every file of a local model, one that ships too."""
    from tunesmith.pocket.shipped import is_pocket, pocket_path

    folder = pocket_path(path.partition("/")[2] or "musicgen") if is_pocket(path) else Path(path).expanduser()
    if not folder.is_dir():
        return ""
    files = ((file, file.stat()) for file in sorted(folder.rglob("*")) if file.is_file())
    return content_key(*((file.relative_to(folder), stat.st_size, stat.st_mtime_ns) for file, stat in files))

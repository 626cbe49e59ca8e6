"""What inference and evaluation share: the run an adapter came from, and a context over it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.texts import msg


def require_list(data_dir: str | Path, metadata_file: str) -> None:
    """Refuse a metadata file that is not there.

    Raises:
        TunesmithError: naming it.
    """
    metadata = Path(data_dir) / metadata_file
    if not metadata.is_file():
        raise TunesmithError(
            msg("there is no such metadata file"),
            where=str(metadata),
            remedy=msg("Make it with prepare_data.py, or check --data_dir and --metadata_file."),
        )


def context_for(args: argparse.Namespace, sections: dict[str, Any]) -> RunContext:
    """A context over the adapter's own run folder where there is one, else over the output folder.

    Raises:
        TunesmithError: when the adapter's folder is not there.
    """
    from tunesmith.recipe.load import build, resolved_path
    from tunesmith.recipe.tree import Tree

    adapter = Path(args.lora_model_path)
    if not adapter.is_dir():
        raise TunesmithError(
            msg("there is no such adapter folder"),
            where=str(adapter),
            remedy=msg("Train one first, or check --lora_model_path."),
        )
    run = RunFolder(adapter.resolve().parent)
    folder = run if run.manifest.exists() else RunFolder(Path(args.output_dir))
    recipe = _recipe_of(folder)
    merged = {**recipe, **{name: {**recipe.get(name, {}), **values} for name, values in sections.items()}}
    base = resolved_path(str(args.base_model_path), Path.cwd(), always=False)
    merged["model"] = {**recipe.get("model", {}), "path": base}
    context = RunContext(folder, build(Tree(merged)).recipe, Console())
    refuse_other_base(context, adapter)
    return context


def refuse_other_base(context: RunContext, adapter: Path) -> None:
    """An adapter fits any base of the same shapes, but means something on its own base only.

    Two names of one model (a hub id and a local copy of it) end alike; anything else is a warning, and two published
    models are refused.

    Raises:
        TunesmithError: when the adapter was trained on another published model.
    """
    from tunesmith.run.adapted import base_named_by

    trained_on, base = base_named_by(adapter), context.family.card.base_name
    if not trained_on or _last(trained_on) == _last(base):
        return
    if _published(trained_on) and _published(base):
        raise TunesmithError(
            msg("this adapter was trained on {trained_on}, not on {base}", trained_on=trained_on, base=base),
            where=str(adapter),
            remedy=msg(
                "Give --base_model_path {trained_on}, or an adapter of {base}.", trained_on=trained_on, base=base
            ),
        )
    context.console.warn(
        msg(
            "{adapter} was trained on {trained}; the base given here is {given}. Are they the same?",
            adapter=str(adapter),
            trained=trained_on,
            given=base,
        )
    )


def _last(name: str) -> str:
    return Path(name).name.lower()


def _published(name: str) -> bool:
    return _last(name).startswith("musicgen-")


def _recipe_of(folder: RunFolder) -> dict[str, Any]:
    from tunesmith.recipe.load import load_recipe

    if not folder.resolved.exists():
        return {}
    return load_recipe(folder.resolved).model_dump(mode="json")

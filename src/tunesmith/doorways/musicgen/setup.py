"""What inference and evaluation share: the run an adapter came from, and a context over it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.run.voice import Voice


def context_for(args: argparse.Namespace, sections: dict[str, Any]) -> RunContext:
    """A context over the adapter's own run folder where there is one, else over the output folder.

    Raises:
        TunesmithError: when the adapter's folder is not there.
    """
    from tunesmith.recipe.models import Recipe

    adapter = Path(args.lora_model_path)
    if not adapter.is_dir():
        raise TunesmithError(
            "there is no such adapter folder", where=str(adapter), remedy="Train one first, or check --lora_model_path."
        )
    run = RunFolder(adapter.resolve().parent)
    folder = run if run.manifest.exists() else RunFolder(Path(args.output_dir))
    recipe = _recipe_of(folder)
    merged = {**recipe, **{name: {**recipe.get(name, {}), **values} for name, values in sections.items()}}
    merged["model"] = {**recipe.get("model", {}), "path": str(args.base_model_path)}
    return RunContext(folder, Recipe.model_validate(merged), Voice())


def _recipe_of(folder: RunFolder) -> dict[str, Any]:
    from tunesmith.recipe.load import load_recipe

    if not folder.resolved.exists():
        return {}
    return load_recipe(folder.resolved).model_dump(mode="json")

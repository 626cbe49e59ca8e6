"""``tunesmith new``: look at the data and write a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.texts import tr_all


def new(
    name: Annotated[str, typer.Argument(help=tr_all("The run's name; its folder becomes runs/NAME."))],
    folder: Annotated[
        Path,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help=tr_all("Your folder of audio, or a .jsonl list of speech pairs."),
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(help=tr_all("Hub id, local folder, or `pocket`.") + " [default: facebook/musicgen-small]"),
    ] = None,
    preset: Annotated[str | None, typer.Option(help=tr_all("Start from a preset; see `tunesmith presets`."))] = None,
    text: Annotated[str | None, typer.Option(help=tr_all("Caption of clips that have none."))] = None,
    force: Annotated[bool, typer.Option("--force", help=tr_all("Replace the recipe of a run that exists."))] = False,
) -> int:
    """Look at your clips and write a commented recipe for them."""
    from tunesmith.stages.new import new_run

    new_run(name, folder, model, preset=preset, default_text=text, force=force)
    return 0

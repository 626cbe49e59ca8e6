"""``tunesmith presets``: values to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.guard import Verb, Verbs
from tunesmith.texts import msg, tr, tr_all

app = typer.Typer(
    cls=Verbs, help=tr_all("Values to start from, by memory and intent.", separator="\n\n"), rich_markup_mode=None
)
Name = Annotated[str, typer.Argument(metavar="PRESET", help=tr_all("A preset's name."))]


@app.callback(invoke_without_command=True)
def _default(ctx: typer.Context) -> int:
    return list_presets() if ctx.invoked_subcommand is None else 0


@app.command(cls=Verb, name="list")
def list_presets() -> int:
    """List all presets with what they are for."""
    from tunesmith.recipe.presets import preset_names, preset_summary

    for name in preset_names():
        english, chinese = preset_summary(name)
        typer.echo(f"{name}\n    {english}\n    {chinese}")
    typer.echo(tr("use one: `preset: NAME` in a recipe, or tunesmith new RUN --from FOLDER --preset NAME"))
    return 0


@app.command(cls=Verb, name="show")
def show(name: Name) -> int:
    """Print a preset."""
    from tunesmith.recipe.presets import preset_text

    typer.echo(preset_text(name), nl=False)
    return 0


@app.command(cls=Verb, name="copy")
def copy(
    name: Name,
    target: Annotated[
        Path | None, typer.Argument(help=tr_all("The file to write.") + " [default: PRESET.yaml]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help=tr_all("Replace the file."))] = False,
) -> int:
    """Copy a preset into a file of your own."""
    from tunesmith.errors import TunesmithError
    from tunesmith.files import write_text
    from tunesmith.recipe.presets import preset_text

    text, path = preset_text(name), target or Path(f"{name}.yaml")
    if path.exists() and not force:
        raise TunesmithError(msg("this file exists"), where=str(path), remedy=msg("Name another, or use --force."))
    write_text(path, text)
    typer.echo(tr("written: {path}", path=path))
    return 0

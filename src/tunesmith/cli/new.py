"""``tunesmith new``: look at the data and write a recipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from tunesmith.cli.arguments import Overrides
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg, tr_all


def new(
    name: Annotated[str, typer.Argument(help=tr_all("The run's name; its folder becomes runs/NAME."))],
    overrides: Overrides = None,
    folder: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help=tr_all(
                "Your folder of audio, or a .jsonl list of speech pairs; or an address such as s3://bucket/clips."
            ),
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help=tr_all("Hub id, local folder, or `pocket`.") + " [default: facebook/musicgen-small]"),
    ] = None,
    preset: Annotated[str | None, typer.Option(help=tr_all("Start from a preset; see `tunesmith presets`."))] = None,
    like: Annotated[
        str | None, typer.Option(metavar="RUN", help=tr_all("Take the recipe of this run instead of looking at clips."))
    ] = None,
    text: Annotated[str | None, typer.Option(help=tr_all("Caption of clips that have none."))] = None,
    force: Annotated[bool, typer.Option("--force", help=tr_all("Replace the recipe of a run that exists."))] = False,
) -> int:
    """Look at your clips and write a commented recipe for them."""
    if like is not None:
        from tunesmith.stages.like import new_like

        refuse_beside_like(model, preset, text, overrides)
        new_like(name, like, folder, force=force)
        return 0
    if folder is None:
        raise TunesmithError(
            msg("no clips are named"), where="--from", remedy=msg("Give --from FOLDER, or --like RUN.")
        )
    from tunesmith.recipe.overrides import override
    from tunesmith.stages.new import new_run

    texts = () if text is None else (override("data.default_text", text),)
    new_run(name, folder, model, preset=preset, overrides=(*(overrides or ()), *texts), force=force)
    return 0


def refuse_beside_like(
    model: str | None, preset: str | None, text: str | None, overrides: Sequence[str] | None
) -> None:
    """The recipe of another run is taken as it is.

    Raises:
        TunesmithError: naming the flag or key that would change it.
    """
    keys = [(key, key) for key in overrides or ()]
    for flag, value in (("--model", model), ("--preset", preset), ("--text", text), *keys):
        if value is not None:
            raise TunesmithError(
                msg("--like takes another run's recipe as it is"),
                where=flag,
                remedy=msg("Leave it out, and change the new recipe afterwards."),
            )

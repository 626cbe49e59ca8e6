"""``tunesmith pocket``: the tiny models that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.guard import Verb, Verbs
from tunesmith.texts import msg, tr_all

app = typer.Typer(
    cls=Verbs, help=tr_all("The tiny models that ship.", separator="\n\n"), no_args_is_help=True, rich_markup_mode=None
)
FamilyName = Annotated[str, typer.Argument(help=tr_all("Which one: musicgen, ace_step or step_audio."))]


@app.command(cls=Verb, name="build")
def build(
    family: FamilyName = "musicgen",
    out: Annotated[Path | None, typer.Option(hidden=True)] = None,
    seed: Annotated[int | None, typer.Option(hidden=True)] = None,
    minutes: Annotated[float | None, typer.Option(hidden=True)] = None,
) -> int:
    """Tell how to build a pocket model anew: the builders are in the repository, not in this package."""
    from tunesmith.errors import TunesmithError
    from tunesmith.pocket.shipped import make_target

    known(family)
    given = [
        f"{name}={value}" for name, value in (("OUT", out), ("SEED", seed), ("MINUTES", minutes)) if value is not None
    ]
    raise TunesmithError(
        msg("the builders of the pocket models are in the repository's tools/pocket, not in this package"),
        remedy=msg("In a checkout of the repository, run: {command}", command=" ".join([make_target(family), *given])),
    )


@app.command(cls=Verb, name="info")
def info(family: FamilyName = "musicgen") -> int:
    """Tell what a pocket model is and how good."""
    from tunesmith.pocket.shipped import NUMBERS, pocket_path

    known(family)
    folder = pocket_path(family)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typer.echo(f"{folder} ({size / 1e6:.1f} MB)")
    typer.echo((folder / NUMBERS).read_text(encoding="utf-8"))
    return 0


def known(family: str) -> None:
    """Refuse a family that has no pocket model.

    Raises:
        TunesmithError: when it has none.
    """
    from tunesmith.errors import TunesmithError
    from tunesmith.pocket.shipped import FAMILIES

    if family not in FAMILIES:
        raise TunesmithError(
            msg("there is no pocket model of `{family}`", family=family),
            remedy=msg("There are {families}.", families=FAMILIES),
        )

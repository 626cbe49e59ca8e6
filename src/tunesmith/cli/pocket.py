"""``tunesmith pocket``: the tiny models that ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The tiny models that ship.\n\n随附的小模型。", no_args_is_help=True, rich_markup_mode=None)
FamilyName = Annotated[str, typer.Argument(help="Which one: musicgen, ace_step or step_audio. 哪一个。")]


@app.command("build")
def build(
    family: FamilyName = "musicgen",
    out: Annotated[Path | None, typer.Option(hidden=True)] = None,
    seed: Annotated[int | None, typer.Option(hidden=True)] = None,
    minutes: Annotated[float | None, typer.Option(hidden=True)] = None,
) -> int:
    """Tell how to build a pocket model anew: the builders are in the repository, not in this package.

    说明如何重新构建小模型：构建程序在代码仓库中，不在本软件包内。
    """
    from tunesmith.errors import TunesmithError
    from tunesmith.pocket.shipped import make_target

    known(family)
    given = [
        f"{name}={value}" for name, value in (("OUT", out), ("SEED", seed), ("MINUTES", minutes)) if value is not None
    ]
    raise TunesmithError(
        "the builders of the pocket models are in the repository's tools/pocket, not in this package",
        remedy=f"In a checkout of the repository, run: {' '.join([make_target(family), *given])}",
    )


@app.command("info")
def info(family: FamilyName = "musicgen") -> int:
    """Tell what a pocket model is and how good.

    介绍小模型及其指标。
    """
    from tunesmith.pocket.shipped import pocket_path

    known(family)
    folder = pocket_path(family)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    typer.echo(f"{folder} ({size / 1e6:.1f} MB)")
    typer.echo((folder / "NUMBERS.md").read_text(encoding="utf-8"))
    return 0


def known(family: str) -> None:
    """Refuse a family that has no pocket model.

    Raises:
        TunesmithError: when it has none.
    """
    from tunesmith.errors import TunesmithError
    from tunesmith.pocket.shipped import FAMILIES

    if family not in FAMILIES:
        raise TunesmithError(f"there is no pocket model of `{family}`", remedy=f"There are {', '.join(FAMILIES)}.")

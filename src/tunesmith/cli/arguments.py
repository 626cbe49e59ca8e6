"""Arguments that several verbs share."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from tunesmith.texts import tr_all

Target = Annotated[
    str,
    typer.Argument(metavar="RUN", help=tr_all("A run's name, its folder, or a recipe.yaml.")),
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help=tr_all("Any key of the recipe, as in train.learning_rate=5e-5.")),
]
Force = Annotated[bool, typer.Option("--force", help=tr_all("Do it again although nothing has changed."))]
ShareOfClips = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="N/COUNT",
        help=tr_all("Do only this share of the clips, as in 3/16; `tunesmith merge-cache` joins the shares."),
    ),
]
OnCluster = Annotated[
    Literal["ray"] | None,
    typer.Option(
        "--on", help=tr_all("Let a Ray cluster do it: that of RAY_ADDRESS, or the one that runs on this machine.")
    ),
]
Resume = Annotated[
    bool | None,
    typer.Option(
        "--resume/--no-resume",
        help=tr_all("Go on from the newest checkpoint under what has changed; --no-resume is --fresh."),
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help=tr_all("Train anew, and keep the earlier results in attempts/."))]

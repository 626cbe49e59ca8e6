"""``tunesmith export``: the adapter for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tunesmith.cli.arguments import Overrides, Target
from tunesmith.texts import tr_all


def export(
    target: Target,
    overrides: Overrides = None,
    *,
    which: Annotated[Literal["best", "final"], typer.Option(help=tr_all("The best or the last adapter."))] = "best",
    format: Annotated[
        str,
        typer.Option(help=tr_all("peft; for ACE-Step also ace-step, diffusers, comfyui; for Step-Audio also pt.")),
    ] = "peft",
    merged: Annotated[bool, typer.Option("--merged", help=tr_all("The whole model with the adapter inside."))] = False,
    out: Annotated[Path | None, typer.Option(help=tr_all("Where to.") + " [default: RUN/export]")] = None,
    push: Annotated[
        str | None,
        typer.Option(
            metavar="REPO",
            help=tr_all("Upload to this Hub repository too (HF_ENDPOINT names a mirror)."),
        ),
    ] = None,
) -> int:
    """Write the adapter as a PEFT folder, for another tool, or inside the whole model; uploads only with --push."""
    from tunesmith.cli.stages import opened
    from tunesmith.stages.export import export as write

    write(
        opened(target, overrides, to_read=out is not None),
        which=which,
        format=format,
        merged=merged,
        push=push,
        out=out,
    )
    return 0

"""``tunesmith compare``: runs or checkpoints side by side."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.arguments import Force
from tunesmith.texts import tr_all


def compare(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUN...", help=tr_all("Runs that were evaluated; one alone with --checkpoints.")),
    ],
    *,
    checkpoints: Annotated[
        bool,
        typer.Option("--checkpoints", help=tr_all("The checkpoints of one run, evaluated where they are not yet.")),
    ] = False,
    force: Force = False,
) -> int:
    """Hold runs or checkpoints against each other: a table, a page, and which to keep, or that it cannot be told."""
    from tunesmith.cli.stages import opened
    from tunesmith.errors import TunesmithError
    from tunesmith.stages.compare_runs import compare as compare_all
    from tunesmith.texts import msg

    if checkpoints and len(runs) > 1:
        raise TunesmithError(msg("--checkpoints compares those of one run"), where=" ".join(runs))
    context = opened(runs[0], None, need_recipe=checkpoints, to_read=not checkpoints)
    found = compare_all(context, runs[1:], checkpoints=checkpoints, force=force)
    context.console.log(msg("page: {path}", path=str(context.folder.runs_compared.with_suffix(".html"))))
    return 0 if found.runs else 1

"""``tunesmith report``: one page that tells and plays everything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Overrides, Target
from tunesmith.texts import tr_all


def report(
    target: Target,
    overrides: Overrides = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help=tr_all("Write the page here, and nothing into the run."))
    ] = None,
    force: Force = False,
) -> int:
    """Write report.html from whatever the folder holds; it works offline."""
    from tunesmith.cli.stages import opened
    from tunesmith.stages.pipeline import run_stages
    from tunesmith.stages.report import report_elsewhere

    context = opened(target, overrides, need_recipe=False, to_read=True)
    if out is not None or context.read_only:
        report_elsewhere(context, out)
        return 0
    return run_stages(context, ["report"], force=force)

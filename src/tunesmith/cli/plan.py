"""``tunesmith plan``: memory, disk and time, before they are spent."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.arguments import Overrides, Target
from tunesmith.texts import tr_all

Processes = Annotated[
    int | None, typer.Option("--processes", min=1, max=100_000, help=tr_all("So many processes will train together."))
]


def plan(target: Target, overrides: Overrides = None, processes: Processes = None) -> int:
    """Print what a run will take: memory, disk, updates, time."""
    from tunesmith.cli.stages import opened
    from tunesmith.stages.dry_run import print_plan

    print_plan(opened(target, overrides), processes=processes)
    return 0

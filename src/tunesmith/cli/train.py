"""``tunesmith train``: the adapter."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Fresh, Overrides, Resume, Target
from tunesmith.texts import tr_all


def train(
    target: Target,
    overrides: Overrides = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=tr_all("Count, measure two steps and print the plan; train nothing.")),
    ] = False,
    resume: Resume = None,
    fresh: Fresh = False,
    force: Force = False,
) -> int:
    """Train the adapter; Ctrl-C saves, and the same command goes on to the last bit."""
    from tunesmith.cli.stages import asked_for, do, opened

    if dry_run:
        from tunesmith.stages.dry_run import dry_run as run_dry

        return run_dry(opened(target, overrides))
    return do(target, overrides, ["train"], force=force, asked=asked_for(resume, fresh))

"""``tunesmith plan``: memory, disk and time, before they are spent."""

from __future__ import annotations

from tunesmith.cli.arguments import Overrides, Target


def plan(target: Target, overrides: Overrides = None) -> int:
    """Print what a run will take: memory, disk, updates, time."""
    from tunesmith.cli.stages import opened
    from tunesmith.stages.dry_run import print_plan

    print_plan(opened(target, overrides))
    return 0

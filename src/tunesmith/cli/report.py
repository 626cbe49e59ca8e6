"""``tunesmith report``: one page that tells and plays everything."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, Overrides, Target


def report(target: Target, overrides: Overrides = None, force: Force = False) -> int:
    """Write report.html from whatever the folder holds; it works offline."""
    from tunesmith.cli.stages import do

    return do(target, overrides, ["report"], force=force, need_recipe=False)

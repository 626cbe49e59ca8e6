"""``tunesmith run``: every stage of a run."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, Overrides, Target


def run(target: Target, overrides: Overrides = None, force: Force = False) -> int:
    """Do every stage: check, encode, train, generate, evaluate, report; those that are up to date are skipped."""
    from tunesmith.cli.stages import do
    from tunesmith.run.folder import STAGES

    return do(target, overrides, STAGES, force=force)

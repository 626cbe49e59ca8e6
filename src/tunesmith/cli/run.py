"""``tunesmith run``: every stage of a run."""

from __future__ import annotations

from tunesmith.cli.arguments import Force, Fresh, Overrides, Resume, Target


def run(
    target: Target,
    overrides: Overrides = None,
    resume: Resume = None,
    fresh: Fresh = False,
    force: Force = False,
) -> int:
    """Do every stage: check, encode, train, generate, evaluate, report; those that are up to date are skipped."""
    from tunesmith.cli.stages import asked_for, do
    from tunesmith.run.folder import STAGES

    return do(target, overrides, STAGES, force=force, asked=asked_for(resume, fresh))

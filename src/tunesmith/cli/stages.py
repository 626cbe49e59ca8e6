"""What the stage verbs share: open the run, do the stages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunesmith.run.context import RunContext
    from tunesmith.stages.results import Asked


def opened(
    target: str, overrides: Sequence[str] | None, *, need_recipe: bool = True, to_read: bool = False
) -> RunContext:
    """The run that the user means, remembered for the case that the command is interrupted."""
    from tunesmith.cli.guard import typed, working_on
    from tunesmith.stages.open import open_run

    context = open_run(target, list(overrides or ()), command=typed(), need_recipe=need_recipe, to_read=to_read)
    working_on(context.folder.path)
    return context


def do(
    target: str,
    overrides: Sequence[str] | None,
    stages: Sequence[str],
    *,
    force: bool = False,
    asked: Asked = None,
) -> int:
    """Do stages of a run, and whatever earlier ones they build on; returns the exit code."""
    from tunesmith.stages.pipeline import run_stages

    return run_stages(opened(target, overrides), stages, force=force, asked=asked)


def asked_for(resume: bool | None, fresh: bool) -> Asked:
    """What ``--resume``, ``--no-resume`` and ``--fresh`` ask for.

    Raises:
        TunesmithError: when they contradict each other.
    """
    if resume and fresh:
        from tunesmith.errors import TunesmithError
        from tunesmith.texts import msg

        raise TunesmithError(msg("--resume and --fresh contradict each other"), remedy=msg("Give one of them."))
    if resume:
        return "resume"
    return "fresh" if fresh or resume is False else None

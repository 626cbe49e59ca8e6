"""What the stage verbs share: open the run, do the stages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

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


def do_on_ray(context: RunContext, stages: Sequence[str], *, force: bool) -> int:
    """Do stages of a run with the machines of a Ray cluster; returns the exit code.

    Raises:
        TunesmithError: when there is none.
    """
    from tunesmith.data.ray_pool import ray_cluster
    from tunesmith.stages.pipeline import run_stages

    with ray_cluster() as cluster:
        return run_stages(context.on_cluster(cluster), stages, force=force)


def refuse_both(shard: str | None, cluster: str | None) -> None:
    """``--shard`` and ``--on`` are two ways to the same.

    Raises:
        TunesmithError: when both are given.
    """
    if shard is not None and cluster is not None:
        from tunesmith.errors import TunesmithError
        from tunesmith.texts import msg

        raise TunesmithError(msg("--shard and --on are two ways to the same"), remedy=msg("Give one of them."))


def do_shard(
    target: str, overrides: Sequence[str] | None, stage: Literal["check", "encode"], shard: str, *, force: bool
) -> int:
    """Do one share of a stage, which many processes may do at once; returns the exit code.

    Raises:
        TunesmithError: when it is no share, or the run's folder is not there yet, which one of them alone must make.
    """
    from tunesmith.errors import TunesmithError
    from tunesmith.stages.shards import Share, do_share
    from tunesmith.texts import msg

    share, path = Share.parsed(shard), Path(target)
    if path.suffix.lower() in (".yaml", ".yml") and not path.is_dir():
        raise TunesmithError(
            msg("shares are done of a run that has its folder, not of a recipe"),
            where=target[:200],
            remedy=msg("`tunesmith plan FILE` makes the folder; then give the run's name."),
        )
    return do_share(opened(target, overrides), stage, share, force=force)


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

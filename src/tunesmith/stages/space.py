"""What a run is going to write, against what is free on its disk, before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.planning.sentences import size_text
from tunesmith.records.plan import RunPlan
from tunesmith.run.context import RunContext
from tunesmith.stages.planned import make_plan
from tunesmith.texts import msg

ONE_CHECKPOINT = 12 + 2 * 4
"""Bytes per trained parameter: a checkpoint with Adam's two averages, the best and the last adapter, in fp32."""


def warn_of_space(context: RunContext, plan: RunPlan) -> None:
    """Say where a whole run needs more than is free."""
    wanted = sum(size for part, size in plan.disk.items() if part != "download")
    there = sum(_bytes_in(path) for path in (context.folder.cache, context.folder.checkpoints))
    _warn(context, wanted - there)


def compare_with_free_space(context: RunContext) -> None:
    """Before training: say where its checkpoints and audio need more than is free.

    Raises:
        TunesmithError: when not even one checkpoint fits.
    """
    try:
        plan = make_plan(context)
    except TunesmithError:  # a model whose sizes nobody knows
        return
    free, least = _free(context), plan.adapter_parameters * ONE_CHECKPOINT
    if least > free:
        raise TunesmithError(
            msg(
                "the disk is too full to train: one checkpoint with its adapters takes {least}, and {free} are free",
                least=size_text(least),
                free=size_text(free),
            ),
            where=str(context.folder.path),
            remedy=msg("Free some space, then run the same command again."),
        )
    wanted = sum(size for part, size in plan.disk.items() if part not in ("download", "cache"))
    _warn(context, wanted - _bytes_in(context.folder.checkpoints))


def _warn(context: RunContext, wanted: float) -> None:
    free = _free(context)
    if wanted > free:
        context.console.warn(
            msg(
                "about {wanted} are still to be written, and {free} are free at {path}; free some space, or lower "
                "train.keep_checkpoints",
                wanted=size_text(wanted),
                free=size_text(free),
                path=str(context.folder.path),
            )
        )


def _free(context: RunContext) -> float:
    return float(shutil.disk_usage(context.folder.path).free)


def _bytes_in(folder: Path) -> float:
    return float(sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()))

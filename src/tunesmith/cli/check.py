"""``tunesmith check``: the clips, before anything heavy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, OnCluster, Overrides, ShareOfClips
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg, tr_all


def check(
    target: Annotated[
        str,
        typer.Argument(
            metavar="RUN|FOLDER",
            help=tr_all("A run's name, its folder, a recipe.yaml, or a folder of clips, which may be at an address."),
        ),
    ],
    overrides: Overrides = None,
    force: Force = False,
    fix: Annotated[
        Path | None,
        typer.Option(
            "--fix",
            metavar="OUT",
            help=tr_all("Write a copy of the clips into this folder, repaired where that is possible."),
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help=tr_all("Print every finding, and not only the first of each kind."))
    ] = False,
    shard: ShareOfClips = None,
    on: OnCluster = None,
) -> int:
    """Check the clips before anything heavy, quarantine what cannot be used, and split train from held-out.

    Exits with 1 when a clip was quarantined, like a linter; `tunesmith run` goes on with the rest. A folder of clips is
    checked without a run, and nothing is written into it. --fix never touches the clips themselves. With --shard every
    process measures its share of a run's clips, and `tunesmith merge-cache` says what was found.
    """
    from tunesmith.cli.stages import refuse_both
    from tunesmith.run.console import Console
    from tunesmith.stages.plain import plain_folder

    refuse_both(shard, on)
    if shard is not None:
        return _check_shard(target, overrides, shard, force=force, alone=fix is None and not every)
    console = Console()
    folder = plain_folder(target, console)
    if on is not None and (folder is not None or fix is not None):
        raise TunesmithError(
            msg("--on is for the check of a run"), where=target[:200], remedy=msg("Make a run with `tunesmith new`.")
        )
    if fix is not None:
        return _fix(target, folder, overrides, fix, every=every)
    if folder is None:
        return _check_run(target, overrides, force=force, every=every, on=on)
    return _check_folder(folder, overrides, every=every)


def _check_run(target: str, overrides: Sequence[str] | None, *, force: bool, every: bool, on: str | None) -> int:
    from tunesmith.cli.stages import do_on_ray, opened
    from tunesmith.records.findings import CheckFindings
    from tunesmith.stages.check import log_every
    from tunesmith.stages.pipeline import run_stages

    context = opened(target, overrides)
    do = do_on_ray if on is not None else run_stages
    code = do(context, ["check"], force=force)
    found = CheckFindings.read(context.folder.findings)
    if every:
        log_every(context.console, found.findings)
    quarantined = found.quarantined
    if code or not quarantined:
        return code
    context.console.log(
        msg(
            "exit code 1: {count} clips are quarantined ({clips}); `tunesmith run` goes on without them",
            count=len(quarantined),
            clips=_first(list(quarantined)),
        )
    )
    return 1


def _check_shard(target: str, overrides: Sequence[str] | None, shard: str, *, force: bool, alone: bool) -> int:
    from tunesmith.cli.stages import do_shard

    if not alone:
        raise TunesmithError(
            msg("--shard only measures, so that it goes with neither --fix nor --all"),
            remedy=msg("Give them to a check of the whole."),
        )
    return do_shard(target, overrides, "check", shard, force=force)


def _check_folder(folder: Path | str, overrides: Sequence[str] | None, *, every: bool) -> int:
    from tunesmith.run.console import Console
    from tunesmith.stages.check import log_every
    from tunesmith.stages.plain import check_folder, log_checked, open_folder

    console = Console()
    checked = check_folder(open_folder(folder, overrides or ()), console)
    log_checked(console, checked, msg("--all prints every finding"))
    if every:
        log_every(console, checked.report.findings)
    quarantined = checked.report.quarantined
    if not quarantined:
        return 0
    console.log(
        msg(
            "exit code 1: {count} clips cannot be used ({clips}); --fix OUT writes a repaired copy",
            count=len(quarantined),
            clips=_first(list(quarantined)),
        )
    )
    return 1


def _fix(target: str, folder: Path | str | None, overrides: Sequence[str] | None, out: Path, *, every: bool) -> int:
    from tunesmith.cli.stages import opened
    from tunesmith.run.console import Console
    from tunesmith.stages.plain import clips_of_run, open_folder
    from tunesmith.stages.repair import repair, unusable

    if folder is None:
        clips = clips_of_run(opened(target, overrides, to_read=True).recipe)
    else:
        clips = open_folder(folder, overrides or ())
    console = Console()
    left = unusable(repair(clips, out.expanduser(), console, every=every))
    if not left:
        return 0
    console.log(
        msg(
            "exit code 1: {count} clips cannot be used in the copy either ({clips})",
            count=len(left),
            clips=_first(left),
        )
    )
    return 1


def _first(clips: Sequence[str]) -> tuple[str, ...]:
    """The first few names, and that there are more."""
    return (*clips[:3], *(["…"] if len(clips) > 3 else []))

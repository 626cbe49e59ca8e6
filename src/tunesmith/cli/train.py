"""``tunesmith train``: the adapter."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Overrides, Target


def train(
    target: Target,
    overrides: Overrides = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Count, measure two steps and print the plan; train nothing. 只试算，不训练。"),
    ] = False,
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--no-resume", help="Go on from the newest checkpoint, or start anew. 是否从检查点继续。"
        ),
    ] = None,
    force: Force = False,
) -> int:
    """Train the adapter; Ctrl-C saves, and the same command goes on to the last bit.

    训练适配器；Ctrl-C 会先保存，再用同一命令可精确地继续。
    """
    from tunesmith.cli.stages import do, opened

    if dry_run:
        from tunesmith.stages.dry_run import dry_run as rehearse

        return rehearse(opened(target, overrides))
    return do(target, overrides, ["train"], force=force, resume=resume)

"""``tunesmith evaluate``: base against adapter."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Overrides, Target
from tunesmith.texts import tr_all


def evaluate(
    target: Target,
    overrides: Overrides = None,
    *,
    prompt: Annotated[
        list[str] | None, typer.Option(help=tr_all("What to compare on; give it again for more."))
    ] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", "--duration", help=tr_all("Length of each."))] = None,
    seed: Annotated[int | None, typer.Option(help=tr_all("Item i uses seed + i on both sides."))] = None,
    compare: Annotated[
        bool | None, typer.Option("--compare/--no-compare", help=tr_all("Generate the base side too."))
    ] = None,
    force: Force = False,
) -> int:
    """Compare base and adapter on the same prompts and seeds: losses, signals, and what they mean."""
    from tunesmith.cli.flags import as_overrides
    from tunesmith.cli.stages import do

    flags = as_overrides("evaluate", prompt, seconds=seconds, seed=seed, compare=compare)
    return do(target, [*(overrides or ()), *flags], ["evaluate"], force=force)

"""``tunesmith evaluate``: base against adapter."""

from __future__ import annotations

from typing import Annotated

import typer

from tunesmith.cli.arguments import Force, Overrides, Target


def evaluate(
    target: Target,
    overrides: Overrides = None,
    *,
    prompt: Annotated[
        list[str] | None, typer.Option(help="What to compare on; give it again for more. 提示词，可重复。")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--seconds", "--duration", help="Length of each. 时长（秒）。")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Item i uses seed + i on both sides. 随机种子。")] = None,
    compare: Annotated[
        bool | None, typer.Option("--compare/--no-compare", help="Generate the base side too. 是否同时生成基座一侧。")
    ] = None,
    force: Force = False,
) -> int:
    """Compare base and adapter on the same prompts and seeds: losses, signals, and what they mean.

    用相同的提示词与种子比较基座与适配器：损失、声音指标及其含义。
    """
    from tunesmith.cli.flags import as_overrides
    from tunesmith.cli.stages import do

    flags = as_overrides("evaluate", prompt, seconds=seconds, seed=seed, compare=compare)
    return do(target, [*(overrides or ()), *flags], ["evaluate"], force=force)

"""``tunesmith export``: the adapter for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tunesmith.cli.arguments import Overrides, Target


def export(
    target: Target,
    overrides: Overrides = None,
    *,
    which: Annotated[
        Literal["best", "final"], typer.Option(help="The best or the last adapter. 最佳或最后的适配器。")
    ] = "best",
    format: Annotated[
        str, typer.Option(help="peft, or for ACE-Step also ace-step, diffusers, comfyui. 适配器的文件格式。")
    ] = "peft",
    merged: Annotated[
        bool, typer.Option("--merged", help="The whole model with the adapter inside. 合并为完整模型。")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Where to. 输出文件夹。 [default: RUN/export]")] = None,
    push: Annotated[
        str | None,
        typer.Option(
            metavar="REPO", help="Upload to this Hub repository too (HF_ENDPOINT names a mirror). 上传到 Hub。"
        ),
    ] = None,
) -> int:
    """Write the adapter as a PEFT folder or for another tool, or merged into the whole model; uploads only with --push.

    把适配器导出为 PEFT 文件夹或其他工具的文件，或合并为完整模型；只有给出 --push 才会上传。
    """
    from tunesmith.cli.stages import opened
    from tunesmith.stages.export import export as write

    write(opened(target, overrides), which=which, format=format, merged=merged, push=push, out=out)
    return 0

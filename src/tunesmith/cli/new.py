"""``tunesmith new``: look at the data and write a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(help="The run's name; its folder becomes runs/NAME. 运行的名字。")],
    folder: Annotated[
        Path,
        typer.Option(
            "--from",
            metavar="FOLDER",
            help="Your folder of audio, or a .jsonl list of speech pairs. 音频所在文件夹，或语音对列表（.jsonl）。",
        ),
    ],
    model: Annotated[
        str | None,
        typer.Option(help="Hub id, local folder, or `pocket`. 基座模型。 [default: facebook/musicgen-small]"),
    ] = None,
    preset: Annotated[
        str | None, typer.Option(help="Start from a preset; see `tunesmith presets`. 从预设开始。")
    ] = None,
    text: Annotated[
        str | None, typer.Option(help="Caption of clips that have none. 无文字说明的片段使用的说明。")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the recipe of a run that exists. 覆盖已有配置。")
    ] = False,
) -> int:
    """Look at your clips and write a commented recipe for them.

    查看你的音频，写出一份带注释的配置 runs/NAME/recipe.yaml，并估算内存、磁盘与时间。
    """
    from tunesmith.stages.new import new_run

    new_run(name, folder, model, preset=preset, default_text=text, force=force)
    return 0

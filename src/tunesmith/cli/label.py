"""``tunesmith label``: tags and descriptions for clips that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def label(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Your folder of audio. 音频所在文件夹。")],
    provider: Annotated[
        Literal["measured", "endpoint", "qwen-omni"],
        typer.Option(
            help="Measure only; ask a server that speaks OpenAI's protocol; or run Qwen-Omni here. "
            "仅测量；请求 OpenAI 兼容服务；或在本机运行 Qwen-Omni。"
        ),
    ] = "measured",
    model: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The server's model, or a Qwen-Omni (hub id or folder). 模型名称或路径。"),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The server, such as http://localhost:8000/v1. 服务地址。"),
    ] = None,
    dialect: Annotated[
        Literal["openai", "dashscope"] | None,
        typer.Option(help="How the server takes audio. 服务接收音频的方式。 [default: openai]"),
    ] = None,
    prompt: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Your own instruction for the model. 自己的提示词文件。"),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Label at most so many clips now. 本次最多标注的片段数。")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace tag files that you wrote, too. 同时覆盖你自己写的标签文件。")
    ] = False,
) -> int:
    """Give clips tags and descriptions, into labels.jsonl and text files beside the clips.

    What is labelled already is skipped, so the same command goes on after an interruption. The key of a server is
    read from TUNESMITH_LABEL_API_KEY, else OPENAI_API_KEY.

    为音频片段生成标签与描述，写入 labels.jsonl 及片段旁的文本文件；已完成的会跳过，中断后重新运行即可继续。
    """
    from tunesmith.label.choose import choose
    from tunesmith.label.label_clips import label_folder
    from tunesmith.label.prompt import system_prompt

    listener = choose(provider, model, base_url, dialect, prompt)
    tally = label_folder(folder, listener, system_prompt(prompt), limit=limit, overwrite=overwrite)
    return 0 if tally.usable else 1

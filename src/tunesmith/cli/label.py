"""``tunesmith label``: tags and descriptions for clips that have none."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from tunesmith.texts import tr_all


def label(  # noqa: PLR0913 - flags
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help=tr_all("Your folder of audio."))],
    *,
    provider: Annotated[
        Literal["measured", "endpoint", "qwen-omni"],
        typer.Option(help=tr_all("Measure only; ask a server that speaks OpenAI's protocol; or run Qwen-Omni here.")),
    ] = "measured",
    model: Annotated[
        str | None,
        typer.Option(metavar="ID", help=tr_all("The server's model, or a Qwen-Omni (hub id or folder).")),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help=tr_all("The server, such as http://localhost:8000/v1.")),
    ] = None,
    dialect: Annotated[
        Literal["openai", "dashscope"] | None,
        typer.Option(help=tr_all("How the server takes audio.") + " [default: openai]"),
    ] = None,
    prompt: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=tr_all("Your own instruction for the model.")),
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=1, help=tr_all("Seconds that the server may take for one answer.") + " [default: 300]"),
    ] = None,
    parallel: Annotated[
        int | None, typer.Option(min=1, max=64, help=tr_all("Requests to the server at once.") + " [default: 1]")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=tr_all("Label at most so many clips now."))] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help=tr_all("Replace tag files that you wrote, too."))
    ] = False,
) -> int:
    """Give clips tags and descriptions, into labels.jsonl and text files beside the clips.

    What is labelled already is skipped, so the same command goes on after an interruption. The key of a server is
    read from TUNESMITH_LABEL_API_KEY, else OPENAI_API_KEY.
    """
    from tunesmith.label.choose import choose
    from tunesmith.label.label_clips import label_folder
    from tunesmith.label.prompt import system_prompt

    listener = choose(provider, model, base_url, dialect, prompt, timeout, parallel)
    tally = label_folder(
        folder, listener, system_prompt(prompt), limit=limit, overwrite=overwrite, parallel=parallel or 1
    )
    return 0 if tally.usable else 1

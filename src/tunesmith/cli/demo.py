"""``tunesmith demo``: the whole road in minutes, with what ships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunesmith.texts import tr_all


def demo(
    family: Annotated[str, typer.Option(help=tr_all("Which pocket model."))] = "musicgen",
    out: Annotated[Path | None, typer.Option(help=tr_all("Where to keep the run."))] = None,
) -> int:
    """Fine-tune the pocket model on the example clips and write a report: minutes on a CPU, no download."""
    from tunesmith.stages.demo import demo as show

    return show(family, out)

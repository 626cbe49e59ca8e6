"""``tunesmith info``: what this machine and this installation have."""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

import typer

from tunesmith.run.device import devices
from tunesmith.texts import msg, reader_language, tr, tr_all


def info(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help=tr_all("Say what this run has instead, its attempts too."))
    ] = None,
) -> int:
    """Print versions, devices, families and folders: what to put into a bug report."""
    if run is not None:
        return print_run(run)
    from tunesmith.families.registry import family_names
    from tunesmith.run.environment import versions

    rows = [(name, value) for name, value in versions().items()]
    rows += [
        (tr("platform"), sys.platform),
        (tr("processor cores"), str(os.cpu_count())),
        (tr("devices"), "; ".join(devices())),
        ("ffmpeg", shutil.which("ffmpeg") or tr("not found (needed for m4a and aac only)")),
        (tr("families"), ", ".join(family_names()) or tr("none: install the package (pip install -e .)")),
        ("HF_ENDPOINT", os.environ.get("HF_ENDPOINT") or tr("not set (huggingface.co)")),
        (tr("model cache"), cache_folder()),
        (tr("free disk here"), f"{shutil.disk_usage('.').free / 1e9:.1f} GB"),
    ]
    print_rows(rows)
    return 0


def print_run(name: str) -> int:
    """Print the stages of a run and its earlier attempts."""
    from tunesmith.run.attempts import attempts_of
    from tunesmith.run.folder import STAGES, find_run

    folder = find_run(name)
    rows: list[tuple[str, str]] = [(stage, state.status) for stage in STAGES if (state := folder.stage_state(stage))]
    newest = folder.newest_checkpoint()
    rows += [(tr("newest checkpoint"), newest.name)] if newest else []
    for attempt in attempts_of(folder):
        state = attempt.stage_state("train")
        summary = state.training() if state else None
        result = msg("not finished")
        if summary and summary.best_loss is not None:
            result = msg("{updates} updates, held-out loss {loss:.4f}", updates=summary.updates, loss=summary.best_loss)
        elif summary:
            result = msg("{updates} updates", updates=summary.updates)
        rows.append((f"attempts/{attempt.path.name}", result.render(reader_language())))
    print_rows(rows)
    return 0


def print_rows(rows: list[tuple[str, str]]) -> None:
    """Names and what they are, in two columns."""
    from rich.cells import cell_len, set_cell_size

    width = max((cell_len(name) for name, _ in rows), default=0)
    for name, value in rows:
        typer.echo(f"{set_cell_size(name, width)}  {value}")


def cache_folder() -> str:
    """Where downloaded weights are kept."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE

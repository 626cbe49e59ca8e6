"""``tunesmith info``: what this machine and this installation have."""

from __future__ import annotations

import os
import shutil
import sys

import typer

from tunesmith.run.device import devices
from tunesmith.texts import tr


def info() -> int:
    """Print versions, devices, families and folders: what to put into a bug report."""
    from rich.cells import cell_len, set_cell_size

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
    width = max(cell_len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{set_cell_size(name, width)}  {value}")
    return 0


def cache_folder() -> str:
    """Where downloaded weights are kept."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE

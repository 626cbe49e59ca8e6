"""``tunesmith info``: what this machine and this installation have."""

from __future__ import annotations

import os
import shutil
import sys

import typer

from tunesmith.run.device import devices


def info() -> int:
    """Print versions, devices, families and folders: what to put into a bug report."""
    from tunesmith.families.registry import family_names
    from tunesmith.run.environment import versions

    rows = [(name, value) for name, value in versions().items()]
    rows += [("platform", sys.platform), ("processor cores", str(os.cpu_count())), ("devices", "; ".join(devices()))]
    rows += [
        ("ffmpeg", shutil.which("ffmpeg") or "not found (needed for m4a and aac only)"),
        ("families", ", ".join(family_names()) or "none: install the package (pip install -e .)"),
        ("HF_ENDPOINT", os.environ.get("HF_ENDPOINT") or "not set (huggingface.co)"),
        ("model cache", cache_folder()),
        ("free disk here", f"{shutil.disk_usage('.').free / 1e9:.1f} GB"),
    ]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{name:<{width}}  {value}")
    return 0


def cache_folder() -> str:
    """Where downloaded weights are kept."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return HF_HUB_CACHE

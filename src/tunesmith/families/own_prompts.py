"""Prompts that a checkpoint itself ships for the measurement of forgetting."""

from __future__ import annotations

from pathlib import Path

from tunesmith.files import read_json

FILE = "base_prompts.json"


def own_prompts(folder: Path, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """The list in ``base_prompts.json`` of a checkpoint's folder, else ``otherwise``."""
    path = folder / FILE
    return tuple(read_json(path)) if path.exists() else otherwise

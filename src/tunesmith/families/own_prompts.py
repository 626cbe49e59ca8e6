"""Prompts that a checkpoint itself ships for the measurement of forgetting."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import msg

FILE = "base_prompts.json"


def own_prompts(folder: Path, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """The list in ``base_prompts.json`` of a checkpoint's folder, else ``otherwise``.

    Raises:
        TunesmithError: when the file is there and is no list of prompts.
    """
    path = folder / FILE
    if not path.exists():
        return otherwise
    prompts = read_json(path)
    if not isinstance(prompts, list) or not prompts or not all(isinstance(prompt, str) for prompt in prompts):
        raise TunesmithError(
            msg("this file is no list of prompts"), where=str(path), remedy=msg("Download the checkpoint again.")
        )
    return tuple(prompts)

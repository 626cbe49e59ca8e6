"""Reads the JSON configs of a checkpoint, with a sentence where one is something else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import msg


def read_config_file(file: Path) -> dict[str, Any]:
    """A checkpoint's config, a JSON object.

    Raises:
        TunesmithError: when the file is missing, or is something else.
    """
    raw = read_json(file)
    if not isinstance(raw, dict):
        raise TunesmithError(
            msg("this is not the config of a model"), where=str(file), remedy=msg("Download the checkpoint again.")
        )
    return raw

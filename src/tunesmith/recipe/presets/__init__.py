"""Partial recipes to start from, by memory and by intent; ``preset: NAME`` in a recipe, or ``tunesmith presets``."""

from __future__ import annotations

import difflib
from importlib.resources import files

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg


def preset_names() -> list[str]:
    """Names of all shipped presets."""
    return sorted(
        entry.name.removesuffix(".yaml") for entry in files(__name__).iterdir() if entry.name.endswith(".yaml")
    )


def preset_text(name: str) -> str:
    """The YAML text of a preset.

    Raises:
        TunesmithError: when there is none of that name.
    """
    names = preset_names()
    if name not in names:
        nearest = difflib.get_close_matches(name, names, 1)
        raise TunesmithError(
            msg("there is no preset `{name}`", name=name),
            remedy=msg("Did you mean `{name}`?", name=nearest[0])
            if nearest
            else msg("There are {names}.", names=tuple(names)),
        )
    return files(__name__).joinpath(f"{name}.yaml").read_text(encoding="utf-8")


def preset_summary(name: str) -> tuple[str, str]:
    """What a preset is for, in English and Chinese: the first two comment lines of its file."""
    lines = [line.removeprefix("#").strip() for line in preset_text(name).splitlines() if line.startswith("#")]
    return lines[0], lines[1]

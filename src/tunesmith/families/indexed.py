"""The files that an index of sharded weights names, found without torch."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import Message, msg

_AGAIN = msg("Download the checkpoint again.")


def indexed_files(index: Path, remedy: Message = _AGAIN) -> list[Path]:
    """The weight files that an index names (``weight_map``), beside it and sorted; whether they are there is not asked.

    Args:
        index: ``model.safetensors.index.json`` or the like.
        remedy: What to do about one that cannot be used.

    Raises:
        TunesmithError: when it is no index, or names files outside its folder.
    """
    raw = read_json(index)
    named = raw.get("weight_map") if isinstance(raw, dict) else None
    if not isinstance(named, dict) or not all(_is_plain_name(name) for name in named.values()):
        raise TunesmithError(msg("this index names no weight files"), where=str(index), remedy=remedy)
    return [index.parent / name for name in sorted(set(named.values()))]


def _is_plain_name(name: object) -> bool:
    """Whether this is the name of a file in the same folder, not a path out of it."""
    return isinstance(name, str) and Path(name).name == name

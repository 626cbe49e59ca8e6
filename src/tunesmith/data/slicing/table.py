"""``metadata.jsonl`` of the clips: their texts, and where each was cut from; edits of it by hand stay."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.data.layouts.tables import read_table
from tunesmith.files import write_text

TABLE = "metadata.jsonl"
_WRITTEN = ".metadata.written.jsonl"
"""What was written last, by which edits are known."""
_FILE = "file_name"


def write_rows(folder: Path, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write the list of a folder's clips; rows that somebody has changed or taken out since stay so.

    Args:
        folder: The folder of the clips.
        rows: A row for each clip, its ``file_name`` first.

    Returns:
        How many rows stay as somebody made them.

    Raises:
        TunesmithError: when the list cannot be read or written.
    """
    theirs = _rows(folder / TABLE)
    ours = _rows(folder / _WRITTEN) if (folder / TABLE).is_file() else {}
    kept: list[Mapping[str, Any]] = []
    edited = 0
    for row in rows:
        name = str(row[_FILE])
        if name not in ours or theirs.get(name) in (ours[name], row):
            kept.append(row)
            continue
        edited += 1
        if name in theirs:
            kept.append(theirs[name])
    named = {str(row[_FILE]) for row in rows}
    kept += [row for name, row in theirs.items() if name not in named and name not in ours]
    write_text(folder / TABLE, _lines(kept))
    write_text(folder / _WRITTEN, _lines(rows))
    return edited


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    return {str(row.get(_FILE)): dict(row) for _, row in read_table(path)[0]}


def _lines(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)

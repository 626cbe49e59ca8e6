"""Hugging Face ``audiofolder``: ``metadata.csv`` or ``metadata.jsonl`` with ``file_name``; splits as subfolders."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.walk import files, inside, read_text
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

NAME = "audiofolder"
_NAMES = ("metadata.csv", "metadata.jsonl")
_CAPTIONS = ("text", "caption", "prompt", "description", "transcription", "sentence")


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether a metadata table lies in the folder or a subfolder."""
    return bool(_tables(folder))


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every row of every table; paths are relative to the table, other columns become attributes.

    Raises:
        TunesmithError: for a table without ``file_name``, a row that is not JSON, or a path that leads out.
    """
    tables = _tables(folder)
    if not tables:
        raise TunesmithError(
            msg("no metadata.csv or metadata.jsonl in this folder"), where=str(folder), remedy=msg("Add one.")
        )
    entries = [entry for table in tables for entry in _read_table(folder, table)]
    return build(folder, entries, options, NAME, listed=True)


def _tables(folder: Path) -> list[Path]:
    return [folder / path for path in files(folder) if path.name in _NAMES]


def _read_table(folder: Path, table: Path) -> Iterator[Entry]:
    text, _ = read_text(table)
    rows = _csv_rows(text) if table.suffix == ".csv" else _jsonl_rows(text, table)
    for line, row in rows:
        where = f"{table}:{line}"
        name = row.get("file_name")
        if not isinstance(name, str) or not name.strip():
            raise TunesmithError(
                msg("this row has no `file_name`"),
                where=where,
                remedy=msg("Name the audio file in a column `file_name`."),
            )
        path = inside(folder, str(table.parent.relative_to(folder) / name), where)
        yield Entry(path, _texts(row), _attributes(row), f"{table.name}:{line}")


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in reader:
        yield reader.line_num, {key: value for key, value in row.items() if isinstance(key, str)}


def _jsonl_rows(text: str, table: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            what = msg("this line is not JSON ({reason})", reason=error.msg)
            raise TunesmithError(what, where=f"{table}:{number}", remedy=msg("Correct or remove it.")) from error
        if not isinstance(row, dict):
            raise TunesmithError(
                msg("this line is not an object"), where=f"{table}:{number}", remedy=msg("Correct or remove it.")
            )
        yield number, row


def _caption_column(row: Mapping[str, Any]) -> str | None:
    return next((name for name in _CAPTIONS if isinstance(row.get(name), str)), None)


def _texts(row: Mapping[str, Any]) -> dict[str, str]:
    column = _caption_column(row)
    texts = {"caption": row[column].strip()} if column else {}
    if isinstance(row.get("lyrics"), str):
        texts["lyrics"] = row["lyrics"].strip()
    return texts


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    used = {"file_name", "lyrics", _caption_column(row)}
    return {key: value for key, value in row.items() if key not in used and value not in (None, "")}


LAYOUT = Layout(NAME, 50, detect, read)

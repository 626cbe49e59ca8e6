"""Hugging Face ``audiofolder`` and its kin: a table with a file and a caption in every row; splits as subfolders.

``metadata.csv``, ``metadata.tsv`` or ``metadata.jsonl`` with ``file_name``, else ``captions.*`` or ``dataset.*``.
Columns may be separated by commas, semicolons or tabs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.data.characters import shown
from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.moves import Moves
from tunesmith.data.layouts.names import inside, spelt
from tunesmith.data.layouts.record import CAPTIONS, FILES, LYRICS, named
from tunesmith.data.layouts.tables import heading_of, read_table, write_table
from tunesmith.data.layouts.text_files import UTF, not_utf8
from tunesmith.data.layouts.walk import files
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

NAME = "audiofolder"
_STEMS = ("metadata", "captions", "dataset")
"""Of tables, the more explicit first: of several in one folder those of the first stem count."""
_SUFFIXES = (".csv", ".tsv", ".jsonl")
_FURTHER_FILES = ("path", "clip")
"""Columns that name the file in tables that are not Hugging Face's."""


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether a table about clips lies in the folder or a subfolder."""
    return bool(_tables(folder))


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every row of every table; paths are relative to the table, other columns become attributes.

    Raises:
        TunesmithError: for a table without ``file_name``, a damaged row, or a path that leads out.
    """
    tables = _tables(folder)
    if not tables:
        raise TunesmithError(
            msg("no metadata.csv or metadata.jsonl in this folder"), where=str(folder), remedy=msg("Add one.")
        )
    problems: list[Finding] = []
    entries = [entry for table in tables for entry in _read_table(folder, folder / table, problems)]
    dataset = build(folder, entries, options, NAME, listed=True, read=set(tables))
    return replace(dataset, problems=[*dataset.problems, *problems])


def _tables(folder: Path) -> list[PurePosixPath]:
    by_folder: dict[PurePosixPath, dict[str, list[PurePosixPath]]] = {}
    for path in files(folder):
        stem = path.stem.lower()
        if stem in _STEMS and path.suffix.lower() in _SUFFIXES and _names_files(folder / path):
            by_folder.setdefault(path.parent, {}).setdefault(stem, []).append(path)
    return [path for stems in by_folder.values() for path in next(stems[stem] for stem in _STEMS if stem in stems)]


def _names_files(table: Path) -> bool:
    """Whether a table is about clips: Hugging Face's always is, any other where a column names a file."""
    if table.stem.lower() == _STEMS[0]:
        return True
    return named(dict.fromkeys(heading_of(table), True), (*FILES, *_FURTHER_FILES)) is not None


def _read_table(folder: Path, table: Path, problems: list[Finding]) -> Iterator[Entry]:
    rows, encoding = read_table(table)
    if encoding not in UTF:
        problems.append(not_utf8("*", shown(table.name), encoding))
    names = FILES if table.stem.lower() == _STEMS[0] else (*FILES, *_FURTHER_FILES)
    for line, row in rows:
        where = f"{table}:{line}"
        column = named(row, names)
        name = row[column] if column else None
        if not isinstance(name, str) or not name.strip():
            raise TunesmithError(
                msg("this row has no `file_name`"),
                where=where,
                remedy=msg("Name the audio file in a column `file_name`."),
            )
        path = inside(folder, str(table.parent.relative_to(folder) / name), where)
        yield _entry(path, row, str(column), f"{table.name}:{line}")


def relist(folder: Path, options: LayoutOptions, moves: Moves) -> dict[PurePosixPath, bytes]:
    """The tables without the clips that are gone, and with new names of those that have one; paths count from each."""
    lists = {}
    for table in _tables(folder):
        rows, _ = read_table(folder / table)
        kept: list[Mapping[str, Any]] = []
        for _, row in rows:
            column = str(named(row, (*FILES, *_FURTHER_FILES)))
            written = inside(folder, str(table.parent / row[column]), str(table))
            spelling = spelt(folder / written) or folder / written
            place = moves.place(spelling)
            if shown(spelling.relative_to(folder).as_posix()) in moves.gone:
                continue
            same = place is None or place == written
            kept.append(row if same else {**row, column: os.path.relpath(str(place), table.parent)})
        if kept != [row for _, row in rows]:
            lists[table] = write_table(folder / table, kept)
    return lists


def _entry(path: PurePosixPath, row: Mapping[str, Any], file_column: str, where: str) -> Entry:
    caption, lyrics = named(row, CAPTIONS), named(row, LYRICS)
    columns = {"caption": caption, "lyrics": lyrics}
    texts = {role: row[name].strip() for role, name in columns.items() if name and isinstance(row[name], str)}
    used = {file_column, *(columns[role] for role in texts)}
    return Entry(path, texts, {k: v for k, v in row.items() if k not in used and v not in (None, "")}, where)


LAYOUT = Layout(NAME, 50, detect, read, relist=relist)

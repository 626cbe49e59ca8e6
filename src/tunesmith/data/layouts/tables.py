"""Rows of CSV, TSV and JSONL tables about clips, each with its line; a damaged one gets a sentence that names it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tunesmith.data.layouts.record import FILES
from tunesmith.data.layouts.text_files import decoded
from tunesmith.errors import TunesmithError
from tunesmith.files import parse_json
from tunesmith.texts import Message, msg

Row = tuple[int, Mapping[str, Any]]
_SEPARATORS = (",", ";", "\t", "|")
_CORRECT = msg("Correct or remove it.")


def read_table(path: Path) -> tuple[list[Row], str]:
    """Every row with the line it ends on, and the encoding of the file.

    Raises:
        TunesmithError: for a row that is damaged, or has more fields than the heading, naming its line.
    """
    text, encoding = decoded(path)
    rows = _objects(text, path) if path.suffix.lower() == ".jsonl" else _fields(text, path)
    return list(rows), encoding


def write_table(path: Path, rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as the table at ``path`` has them: its format, columns and separator, in UTF-8."""
    if path.suffix.lower() == ".jsonl":
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return lines.encode(errors="backslashreplace")
    text, _ = decoded(path)
    separator, made = _separator(text, path), io.StringIO(newline="")
    names = [name for name in _heading(text, separator, path) if name]
    writer = csv.DictWriter(made, names, delimiter=separator, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue().encode(errors="backslashreplace")


def heading_of(path: Path) -> list[str]:
    """The names of a table's columns: its heading, or the keys of its first object; none where it is damaged."""
    try:
        text, _ = decoded(path)
        if path.suffix.lower() != ".jsonl":
            return _heading(text, _separator(text, path), path)
        return next((list(row) for _, row in _objects(text, path)), [])
    except TunesmithError:
        return []


def _objects(text: str, path: Path) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):  # at line feeds alone, since JSON texts may hold U+2028
        if not line.strip():
            continue
        row = parse_json(line, path, number)
        if not isinstance(row, dict):
            raise TunesmithError(msg("this line is not an object"), where=f"{path}:{number}", remedy=_CORRECT)
        yield number, row


def _fields(text: str, path: Path) -> Iterator[Row]:
    separator = _separator(text, path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    heading = _next(reader, path) or []
    if doubled := [name for name, times in Counter(heading).items() if times > 1 and name]:
        what = msg("the heading names the column {name!r} twice", name=doubled[0])
        raise TunesmithError(what, where=f"{path}:1", remedy=msg("Give every column a name of its own."))
    while (fields := _next(reader, path)) is not None:
        if not any(field.strip() for field in fields):
            continue
        if any(field.strip() for field in fields[len(heading) :]):
            what = msg(
                "this row has {count} fields, and the heading names {columns}", count=len(fields), columns=len(heading)
            )
            remedy = msg("Put a text that holds {separator} into double quotes.", separator=repr(separator))
            raise TunesmithError(what, where=f"{path}:{reader.line_num}", remedy=remedy)
        yield reader.line_num, {name: value for name, value in zip(heading, fields, strict=False) if name}


def _separator(text: str, path: Path) -> str:
    """What parts a table's columns: the sign at which one of its first line's names is that of a file's column."""
    signs = ("\t", *_SEPARATORS) if path.suffix.lower() == ".tsv" else _SEPARATORS
    headings = {sign: _heading(text, sign, path) for sign in signs}
    known = [sign for sign in signs if any(name.strip().casefold() in FILES for name in headings[sign])]
    return known[0] if known else max(signs, key=lambda sign: len(headings[sign]))


def _heading(text: str, separator: str, path: Path) -> list[str]:
    return _next(csv.reader([text.partition("\n")[0].rstrip("\r")], delimiter=separator), path) or []


def _next(reader: Iterator[list[str]], path: Path) -> list[str] | None:
    try:
        return next(reader, None)
    except csv.Error as error:
        line = getattr(reader, "line_num", 1)
        raise TunesmithError(_damage(error), where=f"{path}:{line}", remedy=_CORRECT) from error


def _damage(error: csv.Error) -> Message:
    if "limit" in str(error):
        return msg("a field of this row has more than {count} characters", count=csv.field_size_limit())
    if "unexpected end" in str(error):
        return msg("a double quote is opened before this line and never closed")
    return msg("this row is not CSV ({reason})", reason=str(error))

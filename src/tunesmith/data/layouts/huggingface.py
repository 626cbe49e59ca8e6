"""A dataset folder as ``datasets.save_to_disk`` writes it, with the columns of ACE-Step's own trainer.

Columns: ``keys``, ``filename``, ``tags`` (list), ``speaker_emb_path``, ``norm_lyrics``, ``recaption`` (texts by name).
Only ``filename`` has to be there. The tables are Arrow streams, read here with pyarrow alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.data.characters import shown
from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.moves import Moves
from tunesmith.data.layouts.names import spelt
from tunesmith.data.tags import join_tags, split_tags
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, any_of, msg

NAME = "huggingface"
STATE, INFO, SPLITS = "state.json", "dataset_info.json", "dataset_dict.json"
COLUMNS = ("keys", "filename", "tags", "speaker_emb_path", "norm_lyrics", "recaption")
_REPAIR = msg("Make the folder anew with convert2hf_dataset.py.")

TableRow = Mapping[str, Any]


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether ``datasets.save_to_disk`` made this folder."""
    return (folder / SPLITS).is_file() or ((folder / STATE).is_file() and (folder / INFO).is_file())


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every row; equal rows are one clip with its ``repeats``.

    Audio is looked for at its path as written (from the working directory), in the dataset's folder and beside it.

    Raises:
        TunesmithError: for a folder of several splits, a damaged table, or one without a ``filename`` column.
    """
    if (folder / SPLITS).is_file():
        splits = read_json(folder / SPLITS)
        names = splits.get("splits") if isinstance(splits, dict) else None
        if isinstance(names, list):
            what = msg("this folder holds several datasets ({names})", names=tuple(map(str, names)))
        else:
            what = msg("this folder holds several datasets")
        raise TunesmithError(what, where=str(folder), remedy=msg("Name the folder of one of them."))
    entry_by_row: dict[str, Entry] = {}
    problems: dict[str, Finding] = {}
    entries: list[Entry] = []
    for row in rows(folder):
        key = json.dumps([row.get(name) for name in COLUMNS], ensure_ascii=False)
        if key not in entry_by_row:
            entry_by_row[key] = _entry(folder, row, problems)
        entries.append(entry_by_row[key])
    present = [entry for entry in entries if str(entry.path) not in problems]
    layout = build(folder, present, options, NAME, read={PurePosixPath(STATE), PurePosixPath(INFO)})
    return replace(layout, problems=[*problems.values(), *layout.problems])


def rows(folder: Path) -> Iterator[TableRow]:
    """The rows of a dataset folder, in order, a few at a time.

    Raises:
        TunesmithError: as :func:`read`, and where pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise TunesmithError(
            msg("a Hugging Face dataset needs pyarrow"),
            where=str(folder),
            remedy=msg('Run: pip install "tunesmith[datasets]"'),
        ) from error
    for path in _tables(folder):
        if not path.is_file():
            raise TunesmithError(msg("this table of the dataset is missing"), where=str(path), remedy=_REPAIR)
        try:
            with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
                if "filename" not in stream.schema.names:
                    raise TunesmithError(
                        msg("this dataset has no column `filename`, only {names}", names=tuple(stream.schema.names)),
                        where=str(folder),
                        remedy=msg("ACE-Step's columns are {columns}.", columns=COLUMNS),
                    )
                wanted = [name for name in COLUMNS if name in stream.schema.names]
                for batch in stream:
                    yield from batch.select(wanted).to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            reason = str(error).splitlines()[0]
            raise TunesmithError(
                msg("this table is damaged ({reason})", reason=reason), where=str(path), remedy=_REPAIR
            ) from error


def relist(folder: Path, options: LayoutOptions, moves: Moves) -> dict[PurePosixPath, bytes]:
    """The tables without the rows that are gone, each clip under its path in the copy; speaker vectors stay there."""
    import pyarrow as pa

    lists = {}
    for path in _tables(folder):
        with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
            table = stream.read_all()
        names = table.column("filename").to_pylist()
        kept = [row for row, name in enumerate(names) if shown(str(PurePosixPath(name or "?"))) not in moves.gone]
        columns = {"filename": [_in_copy(names[row], folder, moves) for row in kept]}
        table = table.take(kept)
        if "speaker_emb_path" in table.column_names:
            vectors = table.column("speaker_emb_path").to_pylist()
            columns["speaker_emb_path"] = [str(locate(name or "", folder) or name or "") for name in vectors]
        for name, values in columns.items():
            place = table.schema.get_field_index(name)
            table = table.set_column(place, table.schema.field(place), pa.array(values, table.schema.field(place).type))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        lists[PurePosixPath(path.name)] = sink.getvalue().to_pybytes()
    return lists


def _in_copy(name: str, folder: Path, moves: Moves) -> str:
    audio = locate(name or "", folder)
    place = moves.place(audio) if audio else None
    return name if place is None else str(place)


def _tables(folder: Path) -> list[Path]:
    try:
        return [folder / Path(part["filename"]).name for part in read_json(folder / STATE)["_data_files"]]
    except (KeyError, TypeError) as error:
        raise TunesmithError(msg("this file names no tables"), where=str(folder / STATE), remedy=_REPAIR) from error


def _entry(folder: Path, row: TableRow, problems: dict[str, Finding]) -> Entry:
    name = str(row.get("filename") or "")
    audio = locate(name, folder)
    path = PurePosixPath(name or str(row.get("keys") or "?"))
    attributes: dict[str, Any] = {}
    if audio is None:
        problems[str(path)] = _missing(str(path), name, msg("audio"), folder)
    if speaker := str(row.get("speaker_emb_path") or ""):
        vector = locate(speaker, folder)
        attributes["speaker_emb_path"] = str(vector or speaker)
        if vector is None:
            problems[str(path)] = _missing(str(path), speaker, msg("speaker vector"), folder)
    if recaption := {k: v for k, v in (row.get("recaption") or {}).items() if isinstance(v, str) and v.strip()}:
        attributes["recaption"] = recaption
    tags = [tag for text in row.get("tags") or () if isinstance(text, str) for tag in split_tags(text)]
    texts = {"caption": join_tags(tags)}
    if lyrics := "\n".join(str(row.get("norm_lyrics") or "").splitlines()).strip():
        texts["lyrics"] = lyrics
    return Entry(path, texts, attributes, folder.name, audio)


def locate(name: str, folder: Path) -> Path | None:
    """Where a file named in a dataset lies: as written, in the dataset's folder, or beside it; ``None`` if nowhere."""
    if not name.strip():
        return None
    absolute = folder.absolute()
    for written in dict.fromkeys((name, name.replace("\\", "/"))):  # written on Windows, too
        for base in (Path.cwd(), absolute, absolute.parent):
            path = spelt(base / Path(written).expanduser())
            if path is not None and path.is_file():
                return path
    return None


def _missing(clip: str, name: str, what: Message, folder: Path) -> Finding:
    absolute = folder.absolute()
    return Finding(
        check="layout",
        level="error",
        clip=clip,
        message=msg(
            "its {what} {name} is not there (looked in {places})",
            what=what,
            name=name or msg("(no name)"),
            places=any_of([str(Path.cwd()), str(absolute), str(absolute.parent)]),
        ),
        remedy=msg("Put the file back, work in the folder in which the dataset was made, or convert anew."),
    )


LAYOUT = Layout(NAME, 10, detect, read, relist=relist)

"""``metadata.json``: a list of ``{"audio": "train/a.wav", "text": "…"}``, as the MusicGen guides have it.

``lyrics`` are the clip's lyrics; file and caption are known under their other names too (:mod:`record`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.data.characters import shown
from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.moves import Moves
from tunesmith.data.layouts.names import inside, spelt
from tunesmith.data.layouts.record import CAPTIONS, FILES, LYRICS, named
from tunesmith.errors import TunesmithError
from tunesmith.files import read_json
from tunesmith.texts import Message, msg

NAME = "metadata"
_KEYS = {"audio": ("audio", *FILES), "text": CAPTIONS}
_EXAMPLE = msg("It should read {example}.", example='[{"audio": "train/a.wav", "text": "a caption"}]')


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether the metadata file is there."""
    return (folder / options.metadata_file).is_file()


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every entry of the list; keys besides ``audio``, ``text`` and ``lyrics`` become attributes.

    Raises:
        TunesmithError: when the file is missing, is not JSON or not a list, or an entry lacks a key or leads out of
            the folder, naming file, line and entry.
    """
    path = folder / options.metadata_file
    items = read_json(path)
    if not isinstance(items, list):
        raise TunesmithError(
            msg("this file holds {kind}, not a list of clips", kind=_kind(items)), where=str(path), remedy=_EXAMPLE
        )
    if not items:
        raise TunesmithError(msg("this file lists no clips"), where=str(path), remedy=_EXAMPLE)
    lines = list(_lines(path.read_text(encoding="utf-8-sig")))
    entries = [_entry(path, number, line, item) for number, (line, item) in enumerate(zip(lines, items, strict=True))]
    return build(path.parent, entries, options, NAME, listed=True, read={PurePosixPath(path.name)})


def _entry(path: Path, number: int, line: int, item: Any) -> Entry:
    where = f"{path}:{line}"
    if not isinstance(item, dict):
        raise TunesmithError(
            msg("entry {number} is {kind}, not an object", number=number, kind=_kind(item)),
            where=where,
            remedy=_EXAMPLE,
        )
    keys = _keys(item)
    if lyrics := named(item, LYRICS):
        keys["lyrics"] = lyrics
    for role, key in keys.items():
        if key is None:
            raise TunesmithError(
                msg("entry {number} has no key `{key}`", number=number, key=role), where=where, remedy=_EXAMPLE
            )
        if not isinstance(item[key], str):
            what = msg("`{key}` of entry {number} is {kind}, not text", key=key, number=number, kind=_kind(item[key]))
            raise TunesmithError(what, where=where, remedy=_EXAMPLE)
    found = {role: item[key].strip() for role, key in keys.items() if key is not None}
    texts = {"caption": found["text"]} | ({"lyrics": found["lyrics"]} if "lyrics" in found else {})
    rest = {key: value for key, value in item.items() if key not in keys.values()}
    return Entry(inside(path.parent, found["audio"], where), texts, rest, f"{path.name}:{line}")


def _keys(item: Mapping[str, Any]) -> dict[str, str | None]:
    """The names under which an entry has its file and its caption."""
    return {role: role if role in item else named(item, names) for role, names in _KEYS.items()}


def relist(folder: Path, options: LayoutOptions, moves: Moves) -> dict[PurePosixPath, bytes]:
    """The list without the clips that are gone, and with new names of those that have one."""
    path = folder / options.metadata_file
    items, changed = [], False
    for item in read_json(path):
        key = str(_keys(item)["audio"])
        written = inside(path.parent, item[key], str(path))
        spelling = spelt(folder / written) or folder / written
        place = moves.place(spelling)
        if shown(spelling.relative_to(folder).as_posix()) in moves.gone:
            changed = True
        elif place is None or place == written:
            items.append(item)
        else:
            items.append({**item, key: str(place)})
            changed = True
    text = json.dumps(items, ensure_ascii=False, indent=2) + "\n"
    return {PurePosixPath(options.metadata_file): text.encode(errors="backslashreplace")} if changed else {}


def _lines(text: str) -> Iterator[int]:
    """The line on which each item of a JSON list begins; the text is known to hold one."""
    decoder = json.JSONDecoder()
    position = _skip(text, text.index("[") + 1)
    line, counted = 1, 0
    while text[position] != "]":
        line += text.count("\n", counted, position)
        counted = position
        yield line
        _, position = decoder.raw_decode(text, position)
        position = _skip(text, position)


def _skip(text: str, position: int) -> int:
    while text[position] in " \t\r\n,":
        position += 1
    return position


def _kind(value: Any) -> Message:
    names = {dict: msg("an object"), list: msg("a list"), str: msg("text"), bool: msg("true or false")}
    return Message.fixed("null") if value is None else names.get(type(value), msg("a number"))


LAYOUT = Layout(NAME, 40, detect, read, relist=relist)

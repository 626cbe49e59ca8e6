"""Which files of a folder are lists of speech pairs, and which of them are held out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tunesmith.data.layouts.dataset import LayoutOptions
from tunesmith.data.layouts.pair_lines import KEYS, WrongLineError, read_lines, record_of
from tunesmith.data.sample import Split
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

_SPLITS: dict[str, Split] = {"train": "train", "val": "valid", "valid": "valid", "validation": "valid", "dev": "valid"}
_HEAD = 1 << 20  # bytes in which the first line that can be read is looked for


def which_lists(folder: Path, options: LayoutOptions) -> dict[Path, Split]:
    """The lists that are meant and the side of the split each is for.

    A file is meant alone. In a folder it is ``train.jsonl`` with ``val.jsonl``, or else the one list there is.
    ``options.valid_file`` takes the place of what is held out.

    Raises:
        TunesmithError: when it is not clear which list is meant.
    """
    files: dict[Path, Split] = {folder: "train"}
    if not folder.is_file():
        lists = lists_in(folder)
        files = {path: _SPLITS[path.stem.lower()] for path in lists if path.stem.lower() in _SPLITS}
        if "train" not in files.values():
            others = [path for path in lists if path not in files]
            if len(others) != 1:
                raise TunesmithError(_unclear(lists), where=str(folder), remedy=msg("Name the file itself."))
            files[others[0]] = "train"
    if not options.valid_file:
        return files
    return {**{path: split for path, split in files.items() if split == "train"}, Path(options.valid_file): "valid"}


def _unclear(lists: Sequence[Path]) -> Message:
    if not lists:
        return msg("this folder holds no train.jsonl, nor another list of speech pairs alone (found: none)")
    return msg(
        "this folder holds no train.jsonl, nor another list of speech pairs alone (found: {files})",
        files=tuple(path.name for path in lists),
    )


def lists_in(folder: Path) -> list[Path]:
    """The lists of pairs right in a folder, by what is in them."""
    return [path for path in sorted(folder.glob("*.jsonl")) if path.name[0] != "." and _is_list(path)]


def unused(folder: Path, files: Mapping[Path, Split]) -> Iterator[Message]:
    """Notes which lists are present and not used."""
    others = [path.name for path in lists_in(folder.parent if folder.is_file() else folder) if path not in files]
    if others:
        yield msg("{names} is there and is not used; data.valid_file names a list to hold out.", names=tuple(others))


def _is_list(path: Path) -> bool:
    """Whether the first line that can be read has the keys of a pair; where there is none, the name decides."""
    try:
        for _, line in read_lines(path, _HEAD):
            try:
                return not KEYS.isdisjoint(record_of(line))
            except WrongLineError:
                continue
    except TunesmithError:
        pass
    return path.stem.lower() in _SPLITS

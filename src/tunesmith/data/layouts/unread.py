"""What lies in a dataset's folder, looks like text about clips, and was not read: counted and named."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath

from tunesmith.data.characters import same_name, shown
from tunesmith.texts import Message, msg

_TEXTS = frozenset((
    ".txt", ".json", ".jsonl", ".csv", ".tsv", ".caption", ".captions", ".lyrics", ".lyric", ".lrc", ".tags", ".tag",
    ".prompt", ".srt", ".vtt", ".lab", ".textgrid", ".xml", ".yaml", ".yml", ".toml", ".cue", ".parquet",
))  # fmt: skip
_OURS = frozenset(("labels.jsonl", "prepared.json", "recipe.yaml", "repairs.json", "slices.json"))
_ABOUT = re.compile(r"(readme|licen[cs]e|credits|attribution|changelog|notice|copying)\b.*", re.IGNORECASE)
"""Files about a whole collection, which nobody expects to be read."""


def unread_notes(
    files: Iterable[PurePosixPath], clips: Collection[PurePosixPath], read: Collection[PurePosixPath]
) -> Iterator[Message]:
    """A note for each kind of text file that was not read, those beside clips first.

    Args:
        files: Every file of the folder.
        clips: Its audio files.
        read: The files whose content was used.
    """
    stems = {(clip.parent, same_name(clip.stem)) for clip in clips}
    beside: dict[str, list[PurePosixPath]] = {}
    apart: dict[str, list[PurePosixPath]] = {}
    for path in files:
        suffix = path.suffix.lower()
        if suffix not in _TEXTS or path in read or path.name in _OURS:
            continue
        if _belongs(path, stems):
            beside.setdefault(suffix, []).append(path)
        elif not _ABOUT.fullmatch(path.name):
            apart.setdefault(suffix, []).append(path)
    for suffix, paths in sorted(beside.items()):
        yield msg(
            "{count} {suffix} files lie beside your clips and were not read (the first: {first}).",
            count=len(paths),
            suffix=suffix,
            first=shown(str(paths[0])),
        )
    for suffix, paths in sorted(apart.items()):
        yield msg(
            "{count} {suffix} files in the folder belong to no clip and were not read (the first: {first}).",
            count=len(paths),
            suffix=suffix,
            first=shown(str(paths[0])),
        )


def _belongs(path: PurePosixPath, stems: Collection[tuple[PurePosixPath, str]]) -> bool:
    """Whether a file's name begins with that of a clip in its folder."""
    name = same_name(path.name)
    ends = (match.start() for match in re.finditer(r"[._]", name))
    return any((path.parent, name[:end]) in stems for end in ends)

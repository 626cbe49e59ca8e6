"""Turn the entries of any layout into samples: find the files, collapse repeats, group by track, honour the split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from tunesmith.audio.decode import is_audio
from tunesmith.data.characters import shown
from tunesmith.data.layouts.attributes import typed
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.names import spelt
from tunesmith.data.layouts.sources import group_sources
from tunesmith.data.layouts.unread import unread_notes
from tunesmith.data.layouts.walk import walk
from tunesmith.data.sample import AudioRef, Sample, Split
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

_SPLITS: dict[str, Split] = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid"}
_TEST = frozenset({"test", "eval"})


def build(
    folder: Path,
    entries: Sequence[Entry],
    options: LayoutOptions,
    name: str,
    *,
    listed: bool = False,
    read: Collection[PurePosixPath] = (),
) -> Dataset:
    """Make a layout of entries.

    Args:
        folder: The dataset's folder.
        entries: Clips in the order in which the layout lists them; the same one may come more than once.
        options: What the user says about the folder.
        name: The layout's name.
        listed: Whether a list decides what belongs to the set, so that files it leaves out are noted.
        read: The files of the folder whose content was used, so that others are noted.
    """
    problems: list[Finding] = []
    notes: list[Message] = []
    entries = [_as_spelt(folder, entry) for entry in entries]
    merged = _merge(entries, problems)
    found = [(entry, times) for entry, times in merged if _exists(folder, entry, problems)]
    splits = _splits([entry.path for entry, _ in found], notes)
    kept = [(entry, times) for entry, times in found if entry.path in splits]
    sources = group_sources(str(entry.path) for entry, _ in kept)
    samples = [
        Sample(
            id=shown(str(entry.path)),
            audios={"audio": AudioRef(str((entry.audio or folder / entry.path).absolute()))},
            texts=_with_default(entry, options),
            attributes=_attributes(entry, problems),
            source=shown(sources[str(entry.path)]),
            split=splits[entry.path],
            repeats=times,
        )
        for entry, times in kept
    ]
    _note_defaults(kept, options, notes)
    _note_repeats(merged, notes)
    found_files = walk(folder)
    clips = [path for path in found_files.files if is_audio(Path(path))]
    if listed:
        _note_unlisted(clips, entries, notes)
    notes += [*unread_notes(found_files.files, clips, read), *found_files.notes()]
    return Dataset(samples, problems, name, notes)


def _as_spelt(folder: Path, entry: Entry) -> Entry:
    """The entry with its path as the disk spells it; unchanged where there is no such file."""
    spelling = None if entry.audio else spelt(folder / entry.path)
    return entry if spelling is None else replace(entry, path=PurePosixPath(spelling.relative_to(folder).as_posix()))


def _attributes(entry: Entry, problems: list[Finding]) -> dict[str, Any]:
    attributes, wrong = typed(shown(str(entry.path)), entry.attributes)
    problems += wrong
    return attributes


def _merge(entries: Sequence[Entry], problems: list[Finding]) -> list[tuple[Entry, int]]:
    """Each clip once with its number of listings; clips listed with different texts are reported and left out."""
    first: dict[PurePosixPath, Entry] = {}
    times: dict[PurePosixPath, int] = {}
    conflicts: dict[PurePosixPath, Entry] = {}
    for entry in entries:
        earlier = first.setdefault(entry.path, entry)
        times[entry.path] = times.get(entry.path, 0) + 1
        if dict(earlier.texts) != dict(entry.texts):
            conflicts.setdefault(entry.path, entry)
    for path, entry in conflicts.items():
        problems.append(
            Finding(
                check="layout",
                level="error",
                clip=shown(str(path)),
                message=msg(
                    "this clip is listed with different texts ({one} and {other})",
                    one=first[path].where,
                    other=entry.where,
                ),
                remedy=msg("Keep one of the texts."),
            )
        )
    return [(entry, times[path]) for path, entry in first.items() if path not in conflicts]


def _exists(folder: Path, entry: Entry, problems: list[Finding]) -> bool:
    if (entry.audio or folder / entry.path).is_file():
        return True
    problems.append(
        Finding(
            check="layout",
            level="error",
            clip=shown(str(entry.path)),
            message=msg("{where} lists this clip, and there is no such file", where=entry.where or msg("the layout")),
            remedy=msg("Put the file there, or take it off the list."),
        )
    )
    return False


def _splits(paths: Sequence[PurePosixPath], notes: list[Message]) -> dict[PurePosixPath, Split | None]:
    """The split that the first folder of each path names; none where no clip is held out by it.

    A ``test`` folder is the held-out part when there is no validation folder; beside one it is left out, with a
    note.
    """
    tops = {path: path.parts[0].lower() if len(path.parts) > 1 else "" for path in paths}
    valid = any(_SPLITS.get(top) == "valid" for top in tops.values())
    train = any(_SPLITS.get(top) == "train" for top in tops.values())
    test = [path for path, top in tops.items() if top in _TEST] if train else []
    if not valid and not test:
        return dict.fromkeys(paths)
    if valid and test:
        notes.append(
            msg(
                "{count} clips of the test folder are left alone: the validation folder is the held-out part.",
                count=len(test),
            )
        )
        return {path: _SPLITS.get(top, "train") for path, top in tops.items() if top not in _TEST}
    return {path: "valid" if top in _TEST else _SPLITS.get(top, "train") for path, top in tops.items()}


def _with_default(entry: Entry, options: LayoutOptions) -> dict[str, str]:
    if options.default_text and not entry.texts.get("caption", "").strip():
        return {**entry.texts, "caption": options.default_text}
    return dict(entry.texts)


def _note_defaults(kept: Sequence[tuple[Entry, int]], options: LayoutOptions, notes: list[Message]) -> None:
    uncaptioned = sum(not entry.texts.get("caption", "").strip() for entry, _ in kept)
    if options.default_text and uncaptioned:
        notes.append(
            msg(
                "{count} clips have no caption of their own and get the default text “{text}”.",
                count=uncaptioned,
                text=options.default_text,
            )
        )


def _note_repeats(merged: Sequence[tuple[Entry, int]], notes: list[Message]) -> None:
    repeated = [times for _, times in merged if times > 1]
    if repeated:
        notes.append(
            msg(
                "{count} clips are listed more than once ({times} times in all); each counts once.",
                count=len(repeated),
                times=sum(repeated),
            )
        )


def _note_unlisted(clips: Sequence[PurePosixPath], entries: Sequence[Entry], notes: list[Message]) -> None:
    listed = {entry.path for entry in entries}
    unlisted = [path for path in clips if path not in listed]
    if unlisted:
        notes.append(
            msg(
                "{count} audio files are not listed and not used (the first: {first}).",
                count=len(unlisted),
                first=shown(str(unlisted[0])),
            )
        )

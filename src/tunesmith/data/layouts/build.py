"""Turn the entries of any layout into samples: find the files, collapse repeats, group by track, honour the split."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tunesmith.data.findings import Finding
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.sources import group_sources
from tunesmith.data.layouts.walk import audio_files
from tunesmith.data.notes import Note, note
from tunesmith.data.sample import AudioRef, Sample, Split

_SPLITS: dict[str, Split] = {"train": "train", "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid"}
_TEST = frozenset({"test", "eval"})


def build(
    folder: Path, entries: Sequence[Entry], options: LayoutOptions, name: str, *, listed: bool = False
) -> Dataset:
    """Make a layout of entries.

    Args:
        folder: The dataset's folder.
        entries: Clips in the order in which the layout lists them; the same one may come more than once.
        options: The user's words.
        name: The layout's name.
        listed: Whether a list decides what belongs to the set, so that files it leaves out are told.
    """
    problems: list[Finding] = []
    notes: list[Note] = []
    merged = _merge(entries, problems)
    found = [(entry, times) for entry, times in merged if _exists(folder, entry, problems)]
    splits = _splits([entry.path for entry, _ in found], notes)
    kept = [(entry, times) for entry, times in found if entry.path in splits]
    sources = group_sources(str(entry.path) for entry, _ in kept)
    samples = [
        Sample(
            id=str(entry.path),
            audios={"audio": AudioRef(str((entry.audio or folder / entry.path).absolute()))},
            texts=_with_default(entry, options),
            attributes=entry.attributes,
            source=sources[str(entry.path)],
            split=splits[entry.path],
            repeats=times,
        )
        for entry, times in kept
    ]
    _say_defaults(kept, options, notes)
    _say_repeats(merged, notes)
    if listed:
        _say_unlisted(folder, entries, notes)
    return Dataset(samples, problems, name, notes)


def _merge(entries: Sequence[Entry], problems: list[Finding]) -> list[tuple[Entry, int]]:
    """Each clip once with its number of listings; clips listed with different texts are reported and left out."""
    first: dict[PurePosixPath, Entry] = {}
    times: dict[PurePosixPath, int] = {}
    conflicts: dict[PurePosixPath, Entry] = {}
    for entry in entries:
        same = first.setdefault(entry.path, entry)
        times[entry.path] = times.get(entry.path, 0) + 1
        if dict(same.texts) != dict(entry.texts):
            conflicts.setdefault(entry.path, entry)
    for path, entry in conflicts.items():
        problems.append(
            Finding(
                check="layout",
                level="error",
                clip=str(path),
                message=f"this clip is listed with different texts ({first[path].where} and {entry.where})",
                remedy="Keep one of the texts.",
                message_zh=f"该片段被列出多次且文字不同（{first[path].where} 与 {entry.where}）",
                remedy_zh="只保留一段文字。",
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
            clip=str(entry.path),
            message=f"{entry.where or 'the layout'} lists this clip, and there is no such file",
            remedy="Put the file there, or take it off the list.",
            message_zh=f"{entry.where or '列表'} 列出了该片段，但文件不存在",
            remedy_zh="补上文件，或从列表中删除。",
        )
    )
    return False


def _splits(paths: Sequence[PurePosixPath], notes: list[Note]) -> dict[PurePosixPath, Split | None]:
    """The split that the first folder of each path names; none where no clip is held out by it.

    A ``test`` folder is the held-out part when there is no validation folder; beside one it is left out, and said.
    """
    tops = {path: path.parts[0].lower() if len(path.parts) > 1 else "" for path in paths}
    valid = any(_SPLITS.get(top) == "valid" for top in tops.values())
    train = any(_SPLITS.get(top) == "train" for top in tops.values())
    test = [path for path, top in tops.items() if top in _TEST] if train else []
    if not valid and not test:
        return dict.fromkeys(paths)
    if valid and test:
        notes.append(
            note(
                f"{len(test)} clips of the test folder are left alone: the validation folder is the held-out part.",
                f"test 文件夹中的 {len(test)} 个片段未使用：验证集取自 validation 文件夹。",
            )
        )
        return {path: _SPLITS.get(top, "train") for path, top in tops.items() if top not in _TEST}
    return {path: "valid" if top in _TEST else _SPLITS.get(top, "train") for path, top in tops.items()}


def _with_default(entry: Entry, options: LayoutOptions) -> dict[str, str]:
    if options.default_text and not entry.texts.get("caption", "").strip():
        return {**entry.texts, "caption": options.default_text}
    return dict(entry.texts)


def _say_defaults(kept: Sequence[tuple[Entry, int]], options: LayoutOptions, notes: list[Note]) -> None:
    bare = sum(not entry.texts.get("caption", "").strip() for entry, _ in kept)
    if options.default_text and bare:
        text = options.default_text
        notes.append(
            note(
                f"{bare} clips have no caption of their own and get the default text “{text}”.",
                f"{bare} 个片段没有自己的描述，使用默认文字“{text}”。",
            )
        )


def _say_repeats(merged: Sequence[tuple[Entry, int]], notes: list[Note]) -> None:
    repeated = [times for _, times in merged if times > 1]
    if repeated:
        notes.append(
            note(
                f"{len(repeated)} clips are listed more than once ({sum(repeated)} times in all); each counts once.",
                f"{len(repeated)} 个片段被重复列出（共 {sum(repeated)} 次），每个只算一个片段。",
            )
        )


def _say_unlisted(folder: Path, entries: Sequence[Entry], notes: list[Note]) -> None:
    listed = {entry.path for entry in entries}
    unlisted = [path for path in audio_files(folder) if path not in listed]
    if unlisted:
        notes.append(
            note(
                f"{len(unlisted)} audio files are not listed and not used (the first: {unlisted[0]}).",
                f"{len(unlisted)} 个音频文件未被列出，因此没有使用（第一个：{unlisted[0]}）。",
            )
        )

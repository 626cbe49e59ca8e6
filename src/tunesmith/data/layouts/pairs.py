"""``train.jsonl`` (and ``val.jsonl``) of speech pairs: a prompt, the target, and what both say.

Required in a line: ``prompt_audio_path`` and ``target_audio_path``; optional: ``prompt_text``, ``target_text``,
``edit_type``, ``edit_info``, ``speaker_id``. Step-Audio's own files (``source_audio``, ``source_text``,
``source_vq02vq06``, ``target_text``, ``target_vq02vq06``, ``task_type``) bring audio tokens instead of a target.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.moves import Moves
from tunesmith.data.layouts.names import spelt
from tunesmith.data.layouts.pair_files import lists_in, unused, which_lists
from tunesmith.data.layouts.pair_lines import (
    CLONE,
    EXAMPLE,
    Pair,
    problem,
    read_lines,
    read_pairs,
    record_of,
    with_paths,
)
from tunesmith.data.sample import PROMPT, AudioRef, Sample, Split
from tunesmith.errors import TunesmithError
from tunesmith.records.findings import Finding
from tunesmith.texts import Message, msg

NAME = "pairs"
_AUDIO, _FROM_LIST, _FROM_WORK = "audio", "list", "work"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether this is a list of pairs, or a folder that holds one."""
    return folder.is_file() or bool(lists_in(folder))


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every line of every list; what is wrong with one is a problem under its ``file:line``.

    Args:
        folder: A ``.jsonl`` file, or the folder that holds it.
        options: Its ``valid_file`` is a second list, held out.

    Raises:
        TunesmithError: when there is no list, it is not clear which one is meant, or none of its lines is a pair.
    """
    gathered, files = _Gathered(), which_lists(folder, options)
    for path, split in files.items():
        gathered.read(path, split)
    has_split = any(entry.split == "valid" for entry in gathered.entries)
    samples = _samples(gathered.entries, has_split)
    notes = [*gathered.notes(), *_repeats(samples), *unused(folder, files)]
    return Dataset(samples, gathered.problems, NAME, notes)


@dataclass(frozen=True)
class _Entry:
    pair: Pair
    prompt: Path | None
    target: Path | None
    where: str
    name: str
    split: Split | None

    @property
    def key(self) -> str:
        """What makes two lines the same."""
        pair = self.pair
        return json.dumps([self.split, str(self.prompt), str(self.target), dict(pair.texts), dict(pair.attributes)])


@dataclass
class _Gathered:
    entries: list[_Entry] = field(default_factory=list)
    problems: list[Finding] = field(default_factory=list)
    bases: dict[str, Counter[str]] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    absent: int = 0

    def read(self, path: Path, split: Split | None) -> None:
        """Take in one list."""
        lines = list(read_pairs(path))
        if not any(isinstance(found, Pair) for _, found in lines):
            wrong = ((n, f.message) for n, f in lines if isinstance(f, Finding))
            number, reason = next(wrong, (1, msg("it is empty")))
            what = msg("no line of this file is a speech pair; the first: {reason}", reason=reason)
            raise TunesmithError(what, where=f"{path}:{number}", remedy=EXAMPLE)
        for number, found in lines:
            if isinstance(found, Pair):
                self._add(found, path, number, split)
            else:
                self.problems.append(found)

    def _add(self, pair: Pair, path: Path, number: int, split: Split | None) -> None:
        where, name = f"{path}:{number}", f"{path.name}:{number}"
        prompt, target = (self._locate(written, path) for written in (pair.prompt, pair.target))
        tokens = "target_tokens" in pair.attributes
        missing = [
            (role, written)
            for role, written, found in (("prompt", pair.prompt, prompt), ("target", pair.target, target))
            if written and found is None
        ]
        if missing and not tokens:
            self.problems.append(_missing(name, *missing[0], path))
            return
        self.rejected.update(pair.rejected)
        self.absent += len(missing)
        self.entries.append(_Entry(pair, prompt, target, where, name, split))

    def _locate(self, written: str | None, path: Path) -> Path | None:
        """Where an audio lies: below the list's folder, else below the working directory; counted by which it is."""
        for base, folder in ((_FROM_LIST, path.absolute().parent), (_FROM_WORK, Path.cwd())):
            for name in dict.fromkeys((written or "", (written or "").replace("\\", "/"))):  # written on Windows
                file = spelt(Path(os.path.normpath(folder / Path(name).expanduser()))) if name else None
                if file is not None and file.is_file():
                    if not Path(name).expanduser().is_absolute():
                        self.bases.setdefault(base, Counter())[str(folder)] += 1
                    return file
        return None

    def notes(self) -> Iterator[Message]:
        """What was decided for all lines."""
        places = {_FROM_LIST: msg("the list's folder"), _FROM_WORK: msg("the working directory")}
        for base, folders in self.bases.items():
            for folder, times in folders.items():
                yield msg(
                    "{count} relative audio paths are read from {place}, {folder}.",
                    count=times,
                    place=places[base],
                    folder=folder,
                )
        if self.rejected:
            yield msg(
                "{names} is not used: answers to avoid are for preference training.",
                names=tuple(sorted(self.rejected)),
            )
        silent = sum(entry.target is None for entry in self.entries)
        if silent:
            yield msg(
                "{count} lines bring audio tokens and no target audio: only the language model can learn from them.",
                count=silent,
            )
        if self.absent:
            yield msg(
                "{count} audio files of lines with tokens of their own are not there, and are not needed.",
                count=self.absent,
            )


def _samples(entries: Sequence[_Entry], has_split: bool) -> list[Sample]:
    """A sample for every line that is not there before."""
    found: dict[str, Sample] = {}
    for entry, id_ in _named(entries):
        if entry.key in found:
            earlier = found[entry.key]
            found[entry.key] = replace(earlier, repeats=earlier.repeats + 1)
            continue
        pair = entry.pair
        audios = {_AUDIO: entry.target, PROMPT: entry.prompt}
        found[entry.key] = Sample(
            id=id_,
            audios={role: AudioRef(str(path)) for role, path in audios.items() if path is not None},
            texts=pair.texts,
            attributes={**pair.attributes, "line": entry.where},
            source=_source(entry, has_split),
            split=entry.split if has_split else None,
        )
    return list(found.values())


def relist(folder: Path, options: LayoutOptions, moves: Moves) -> dict[PurePosixPath, bytes]:
    """The lists without the lines that are gone, all of their paths relative to the copy.

    A list to hold out is called ``val.jsonl`` there and the other one ``train.jsonl``, so that they are found together.
    """
    files, gathered = which_lists(folder, options), _Gathered()
    for path, split in files.items():
        gathered.read(path, split)
    entries = {entry.where: (entry, id_) for entry, id_ in _named(gathered.entries)}
    lists = {}
    for path, split in files.items():
        lines = []
        for number, line in read_lines(path):
            entry, id_ = entries.get(f"{path}:{number}", (None, ""))
            if entry is None:
                lines.append(line.decode(errors="replace"))
            elif id_ not in moves.gone:
                placed = {
                    written: str(moves.place(file) or written)
                    for written, file in ((entry.pair.prompt, entry.prompt), (entry.pair.target, entry.target))
                    if written and file is not None
                }
                lines.append(json.dumps(with_paths(record_of(line), placed), ensure_ascii=False))
        name = path.name if len(files) == 1 else {"train": "train.jsonl", "valid": "val.jsonl"}[split]
        lists[PurePosixPath(name)] = "".join(f"{line.rstrip()}\n" for line in lines).encode(errors="backslashreplace")
    return lists


def _named(entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, str]]:
    """Each line with its sample's id: the name of its target, or ``file:line`` where that is not one's alone."""
    targets = Counter(entry.pair.target for entry in {entry.key: entry for entry in entries}.values())
    ids: dict[str, str] = {}
    for entry in entries:
        target = entry.pair.target
        plain = target if target and targets[target] == 1 else None
        yield entry, ids.setdefault(entry.key, plain or (f"{target} ({entry.name})" if target else entry.name))


def _source(entry: _Entry, has_split: bool) -> str:
    """Lines that must stay on one side of a split: of one target, and the edits of one recording."""
    edit = entry.pair.attributes["edit_type"] != CLONE
    if edit and not has_split and entry.prompt is not None:
        return str(entry.prompt)
    return str(entry.target or entry.prompt or entry.name)


def _missing(clip: str, role: str, written: str, path: Path) -> Finding:
    places = (str(path.absolute().parent), str(Path.cwd()))
    if role == "prompt":
        message = msg("its prompt audio {path} is not there (looked in {places})", path=written, places=places)
    else:
        message = msg("its target audio {path} is not there (looked in {places})", path=written, places=places)
    return problem(clip, message, msg("Put the file there, correct the path, or take the line away."))


def _repeats(samples: Sequence[Sample]) -> Iterator[Message]:
    repeated = [sample.repeats for sample in samples if sample.repeats > 1]
    if repeated:
        yield msg(
            "{count} lines are there more than once ({times} times in all); each counts once.",
            count=len(repeated),
            times=sum(repeated),
        )


LAYOUT = Layout(NAME, 30, detect, read, lists=True, speech=True, own_texts=True, own_sources=True, relist=relist)

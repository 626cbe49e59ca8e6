"""``clip.wav`` with its caption and lyrics in files beside it, as image and audio trainers have long had it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tunesmith.audio.decode import is_audio
from tunesmith.data.characters import shown
from tunesmith.data.layouts.beside import PLAIN, WITH_LYRICS_IN_PLAIN, Beside, BesideFiles
from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.walk import files
from tunesmith.records.findings import Finding
from tunesmith.texts import all_of, msg

NAME = "sidecar"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether any clip has a file of its own name that holds a text."""
    paths = files(folder)
    beside = BesideFiles(folder, paths)
    return any(beside.holds_texts(path) for path in paths if is_audio(Path(path)))


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every clip with the texts beside it; a clip without one keeps no caption (or the default)."""
    return read_beside(folder, options, NAME, PLAIN)


def read_beside(folder: Path, options: LayoutOptions, name: str, ending: str) -> Dataset:
    """Clips with texts in files beside them.

    Args:
        folder: The dataset's folder.
        options: What the user says about it.
        name: The layout's name.
        ending: Of the file that a clip's caption belongs into, where the folder has no habit of its own.
    """
    paths = files(folder)
    clips = [path for path in paths if is_audio(Path(path))]
    beside = BesideFiles(folder, paths)
    read = [beside.read(clip) for clip in clips]
    used = {path for one in read for path in one.used}
    alone = list(beside.without_clip(clips))
    used |= {path for _, texts in alone for path in texts}
    dataset = build(folder, [one.entry for one in read], options, name, read=used)
    problems = [
        *dataset.problems,
        *(problem for one in read for problem in one.problems),
        *_plain_of_both_kinds(read),
        *(_without_audio(stem, texts) for stem, texts in alone),
    ]
    wrong = {problem.clip for problem in problems if problem.level == "error"}
    kept = [sample for sample in dataset.samples if sample.id not in wrong]
    places = _caption_files(folder, read, ending)
    return replace(dataset, samples=kept, problems=problems, caption_files=places)


def _caption_files(folder: Path, read: Sequence[Beside], ending: str) -> dict[str, Path]:
    """Where each clip's caption stands, or belongs: as most in this folder have it; nothing where a record has it."""
    habits = Counter(one.caption_file.name[len(one.entry.path.stem) :] for one in read if one.caption_file is not None)
    habit = habits.most_common(1)[0][0] if habits else ending
    if habit == PLAIN and any(one.plain_is_lyrics for one in read):
        habit = WITH_LYRICS_IN_PLAIN[0]
    places = {}
    for one in read:
        clip = one.entry.path
        if one.caption_file is not None:
            places[shown(str(clip))] = folder / one.caption_file
        elif not one.has_caption:
            places[shown(str(clip))] = folder / clip.with_name(f"{clip.stem}{habit}")
    return places


def _plain_of_both_kinds(read: Sequence[Beside]) -> Iterator[Finding]:
    """Captions in ``x.txt`` among clips whose ``x.txt`` hold lyrics: one of the two is hardly meant."""
    if not any(one.plain_is_lyrics for one in read):
        return
    for one in read:
        if one.caption_file is not None and one.caption_file.suffix.casefold() == PLAIN and not one.plain_is_lyrics:
            if one.caption_file.stem != one.entry.path.stem:
                continue
            yield Finding(
                check="layout",
                level="warn",
                clip=shown(str(one.entry.path)),
                message=msg(
                    "{file} is read as its caption, and the .txt files of other clips here as lyrics",
                    file=shown(one.caption_file.name),
                ),
                remedy=msg("Put its caption into a .caption.txt if it holds lyrics too."),
            )


def _without_audio(stem: PurePosixPath, texts: Sequence[PurePosixPath]) -> Finding:
    names = all_of([shown(path.name) for path in sorted(texts, key=str)])
    return Finding(
        check="layout",
        level="error",
        clip=shown(str(stem)),
        message=msg("there is {files}, and no audio called {name}", files=names, name=shown(stem.name)),
        remedy=msg("Put the audio beside it under that name, or take the text away."),
    )


LAYOUT = Layout(NAME, 70, detect, read)

"""ACE-Step's trio: ``x.mp3``, ``x_prompt.txt`` (tags, comma-separated) and ``x_lyrics.txt``, in any audio format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.sidecar import read_beside
from tunesmith.data.layouts.walk import audio_files, files
from tunesmith.records.findings import Finding
from tunesmith.texts import all_of, msg

NAME = "trio"
ENDINGS = {"caption": "_prompt.txt", "lyrics": "_lyrics.txt"}


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether any clip has a prompt or lyrics file of its name."""
    return any(
        (folder / path).with_name(f"{path.stem}{ending}").is_file()
        for path in audio_files(folder)
        for ending in ENDINGS.values()
    )


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every clip with its prompt as ``caption`` and its ``lyrics``, if it has any; texts without audio are reported."""
    layout = read_beside(folder, options, NAME, ENDINGS)
    return replace(layout, problems=[*layout.problems, *_without_audio(folder)])


def _without_audio(folder: Path) -> Iterator[Finding]:
    clips = {path.with_suffix("") for path in audio_files(folder)}
    alone: dict[PurePosixPath, list[str]] = defaultdict(list)
    for path in files(folder):
        for ending in ENDINGS.values():
            stem = path.with_name(path.name.removesuffix(ending))
            if path.name.endswith(ending) and path.name != ending and stem not in clips:
                alone[stem].append(path.name)
    for stem, names in alone.items():
        yield Finding(
            check="layout",
            level="error",
            clip=str(stem),
            message=msg("there is {files}, and no audio called {name}", files=all_of(names), name=stem.name),
            remedy=msg("Put the audio beside it under that name, or take the text away."),
        )


LAYOUT = Layout(NAME, 60, detect, read, caption_ending=ENDINGS["caption"])

"""``clip.wav`` with its caption in ``clip.txt`` beside it, as image and audio trainers have long had it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.walk import audio_files, read_text
from tunesmith.records.findings import Finding
from tunesmith.texts import msg

NAME = "sidecar"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether any clip has a text file of its own name."""
    return any((folder / path).with_suffix(".txt").is_file() for path in audio_files(folder))


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every clip with the text beside it; a clip without one keeps no caption (or the default)."""
    return read_beside(folder, options, NAME, {"caption": ".txt"})


def read_beside(folder: Path, options: LayoutOptions, name: str, endings: dict[str, str]) -> Dataset:
    """Clips with texts in files beside them: the clip's stem and the ending of each role."""
    entries, problems = [], []
    for path in audio_files(folder):
        texts = {}
        for role, ending in endings.items():
            file = (folder / path).with_name(f"{path.stem}{ending}")
            if not file.is_file():
                continue
            texts[role], encoding = read_text(file)
            if encoding not in ("utf-8-sig", "utf-16"):
                problems.append(_not_utf8(str(path), file.name, encoding))
        entries.append(Entry(path, texts))
    layout = build(folder, entries, options, name)
    return replace(layout, problems=[*layout.problems, *problems])


def _not_utf8(clip: str, file: str, encoding: str) -> Finding:
    return Finding(
        check="layout",
        level="warn",
        clip=clip,
        message=msg("{file} is not UTF-8; it was read as {encoding}", file=file, encoding=encoding),
        remedy=msg("Look at the text as shown, and save the file as UTF-8."),
    )


LAYOUT = Layout(NAME, 70, detect, read, caption_ending=".txt")

"""A folder of audio, however nested, with one default text for all of it."""

from __future__ import annotations

from pathlib import Path

from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.walk import audio_files

NAME = "folder"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Always: the layout of last resort."""
    return True


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every clip under the folder; captions come from ``options.default_text`` alone."""
    return build(folder, [Entry(path) for path in audio_files(folder)], options, NAME)


LAYOUT = Layout(NAME, 100, detect, read, caption_ending="_prompt.txt")

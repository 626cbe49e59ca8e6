"""A folder of audio, however nested, with one default text for all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tunesmith.data.characters import shown
from tunesmith.data.layouts.build import build
from tunesmith.data.layouts.dataset import Dataset, Entry, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.trio import ENDINGS
from tunesmith.data.layouts.walk import audio_files

NAME = "folder"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Always: the layout of last resort."""
    return True


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every clip under the folder; captions come from ``options.default_text`` alone."""
    clips = audio_files(folder)
    places = {shown(str(clip)): folder / clip.with_name(f"{clip.stem}{ENDINGS['caption']}") for clip in clips}
    return replace(build(folder, [Entry(clip) for clip in clips], options, NAME), caption_files=places)


LAYOUT = Layout(NAME, 100, detect, read)

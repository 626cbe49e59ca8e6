"""ACE-Step's trio: ``x.mp3``, ``x_prompt.txt`` (tags, comma-separated) and ``x_lyrics.txt``, in any audio format."""

from __future__ import annotations

from pathlib import Path

from tunesmith.data.layouts.layout import Layout, LayoutOptions
from tunesmith.data.layouts.sidecar import read_beside
from tunesmith.data.layouts.walk import audio_files

NAME = "trio"


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether any clip has a prompt file of its name."""
    return any((folder / path).with_name(f"{path.stem}_prompt.txt").is_file() for path in audio_files(folder))


def read(folder: Path, options: LayoutOptions) -> Layout:
    """Every clip with its prompt as ``caption`` and, where there is one, its ``lyrics``."""
    return read_beside(folder, options, NAME, {"caption": "_prompt.txt", "lyrics": "_lyrics.txt"})

"""ACE-Step's trio: ``x.mp3``, ``x_prompt.txt`` (tags, comma-separated) and ``x_lyrics.txt``, in any audio format."""

from __future__ import annotations

from pathlib import Path

from tunesmith.audio.decode import is_audio
from tunesmith.data.layouts.beside import CAPTION_FILES, LYRIC_FILES, BesideFiles
from tunesmith.data.layouts.dataset import Dataset, LayoutOptions
from tunesmith.data.layouts.layout import Layout
from tunesmith.data.layouts.sidecar import read_beside
from tunesmith.data.layouts.walk import files

NAME = "trio"
ENDINGS = {"caption": CAPTION_FILES[0], "lyrics": LYRIC_FILES[0]}


def detect(folder: Path, options: LayoutOptions) -> bool:
    """Whether any clip has a prompt or lyrics file of its name."""
    paths = files(folder)
    beside = BesideFiles(folder, paths)
    return any(not beside.of(path).keys().isdisjoint(ENDINGS.values()) for path in paths if is_audio(Path(path)))


def read(folder: Path, options: LayoutOptions) -> Dataset:
    """Every clip with its prompt as ``caption`` and its ``lyrics``, if it has any; texts without audio are reported."""
    return read_beside(folder, options, NAME, ENDINGS["caption"])


LAYOUT = Layout(NAME, 60, detect, read)

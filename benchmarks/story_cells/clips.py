"""The clips of a cell: those that ship, few of them, under each other's captions, or half of them silent."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from tunesmith.files import read_json, write_json

Rows = list[dict[str, Any]]
POCKET = Path(__file__).parents[2] / "src" / "tunesmith" / "pocket"
CLIPS = {
    "musicgen": POCKET / "clips" / "808",
    "ace_step": POCKET / "clips" / "808",
    "step_audio": POCKET / "step_audio" / "examples" / "voice",
}
SILENT_SHARE = 0.45


def lay_out(family: str, damage: str, folder: Path) -> None:
    """A copy of a family's clips, damaged as a cell wants it (:data:`DAMAGE`)."""
    source = CLIPS[family]
    shutil.copytree(source, folder)
    rows = DAMAGE[damage](read_json(source / "metadata.json"), folder)
    write_json(folder / "metadata.json", rows)
    listed = {row["audio"] for row in rows}
    for path in sorted((folder / "train").iterdir()):
        if path.relative_to(folder).as_posix() not in listed:
            path.unlink()


def _whole(rows: Rows, folder: Path) -> Rows:
    return rows


def _first_of_each(rows: Rows) -> Rows:
    """One clip of each caption, so that no two come from one piece."""
    return list({row["text"]: row for row in rows}.values())


def _seven(rows: Rows, folder: Path) -> Rows:
    return _first_of_each(rows)[:7]


def _six(rows: Rows, folder: Path) -> Rows:
    return _first_of_each(rows)[:6]


def _shuffled(rows: Rows, folder: Path) -> Rows:
    """Every caption goes to the clips of another one, and stays there."""
    texts = list(dict.fromkeys(row["text"] for row in rows))
    order = np.random.default_rng(11).permutation(len(texts))
    following = {texts[a]: texts[b] for a, b in zip(order, np.roll(order, 1), strict=True)}
    return [{**row, "text": following[row["text"]]} for row in rows]


def _half_silent(rows: Rows, folder: Path) -> Rows:
    for row in rows:
        audio, rate = soundfile.read(folder / row["audio"], always_2d=True)
        silent = int(len(audio) * SILENT_SHARE)
        if "speaker_id" in row:  # the ends of speech are trimmed
            middle = len(audio) // 2
            audio = np.concatenate([audio[:middle], np.zeros((silent, audio.shape[1])), audio[middle:]])
        else:
            audio[len(audio) - silent :] = 0
        path = (folder / row["audio"]).with_suffix(".flac")
        (folder / row["audio"]).unlink()
        soundfile.write(path, audio, rate)
        row["audio"] = path.relative_to(folder).as_posix()
    return rows


DAMAGE: dict[str, Callable[[Rows, Path], Rows]] = {
    "": _whole,
    "seven": _seven,
    "six": _six,
    "shuffled": _shuffled,
    "half_silent": _half_silent,
}

"""Where the shipped models and clips lie."""

from __future__ import annotations

from pathlib import Path

from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

FAMILIES = ("musicgen", "ace_step", "step_audio")
"""Families that have a pocket model."""


NUMBERS = "NUMBERS.md"
"""The page of every pocket model's measurements; a build writes it last."""
_TITLE = "# Pocket "


def is_pocket(path: str) -> bool:
    """Whether a model path is the name of one that ships: ``pocket`` (MusicGen's) or ``pocket/<family>``."""
    return path == "pocket" or path.startswith("pocket/")


def is_pocket_model(path: str) -> bool:
    """Whether a model path leads to a pocket model: its name, the folder it ships in, or a copy of that folder."""
    numbers = Path(path).expanduser() / NUMBERS
    if is_pocket(path) or not numbers.is_file():
        return is_pocket(path)
    with numbers.open(encoding="utf-8", errors="replace") as page:
        return page.readline().startswith(_TITLE)


def pocket_path(name: str = "musicgen") -> Path:
    """The folder of a checkpoint that ships, in the format of its family.

    Raises:
        TunesmithError: when this installation has none of that name.
    """
    path = Path(__file__).parent / name
    if not (path / NUMBERS).is_file():
        remedy = msg("There are {families}.", families=FAMILIES)
        if name in FAMILIES:
            remedy = msg(
                "Install tunesmith again, with its data files, or run `{command}` in the repository.",
                command=make_target(name),
            )
        raise TunesmithError(msg("there is no pocket checkpoint {name!r}", name=name), where=str(path), remedy=remedy)
    return path


def make_target(name: str) -> str:
    """The command that builds a pocket model anew, in a checkout of the repository."""
    return f"make pocket-{name.replace('_', '-')}"


def example_clips(family: str = "musicgen") -> Path:
    """The folder of a family's shipped clips, 808 beats or a voice: ``metadata.json`` and audio in ``train/``.

    Raises:
        TunesmithError: when this installation came without them.
    """
    if family == "step_audio":
        return _shipped(pocket_path(family) / "examples" / "voice", "metadata.json")
    return _shipped(Path(__file__).parent / "clips" / "808", "metadata.json")


def example_edits() -> Path:
    """The folder of shipped edits of the example voice: ``edits.jsonl`` and its audio.

    Raises:
        TunesmithError: when this installation came without them.
    """
    return _shipped(pocket_path("step_audio") / "examples" / "edits", "edits.jsonl")


def _shipped(path: Path, listed: str) -> Path:
    if not (path / listed).is_file():
        raise TunesmithError(
            msg("the example clips are missing"),
            where=str(path),
            remedy=msg("Install tunesmith again, with its data files."),
        )
    return path

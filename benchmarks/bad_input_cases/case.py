"""What a case is: something bad, and the commands that meet it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Prepare = Callable[[Path], None]
Expected = Literal["refused", "accepted", "any"]


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        words: Program and arguments. The program is ``tunesmith`` or a doorway (``musicgen/train_lora.py``).
        expected: ``refused``: it must not exit with 0. ``accepted``: it must. ``any``: what was broken may be harmless.
        unprivileged: Run without the right to read everything that root has.
    """

    words: tuple[str, ...]
    expected: Expected = "refused"
    unprivileged: bool = False


@dataclass(frozen=True)
class Case:
    """One bad input.

    Attributes:
        kind: What is bad, and the row of the table that counts it.
        name: Unique within all cases; ``--only`` takes it.
        prepare: Makes the input in an empty folder, which is the working directory of the commands.
        commands: Run one after the other, each in a process of its own.
    """

    kind: str
    name: str
    prepare: Prepare
    commands: tuple[Command, ...]


def tunesmith(*words: str, expected: Expected = "refused", unprivileged: bool = False) -> Command:
    """A command of ``tunesmith``."""
    return Command(("tunesmith", *words), expected, unprivileged)


def doorway(script: str, *words: str, expected: Expected = "refused") -> Command:
    """A command of a doorway."""
    return Command((script, *words), expected)


def nothing(folder: Path) -> None:
    """Prepare nothing: what is bad is the command."""

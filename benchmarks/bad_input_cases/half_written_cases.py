"""A run half-written: each file of a finished one gone, cut or empty, for every command that reads results."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bad_input_cases.case import Case, tunesmith
from bad_input_cases.damage import deleted, emptied, representatives, truncated
from bad_input_cases.finished import FAMILIES, Finished

Damage = Callable[[Path], None]
READ = (("info", "r"), ("report", "r", "--force"), ("compare", "r", "other"), ("listen", "r"), ("check", "r"))
"""What reads results without a model."""
MEASURED = (("evaluate", "r", "--force"), ("report", "r"), ("listen", "r"))
"""What measures them anew, and what reads that."""


def cases(finished: Finished) -> Iterator[Case]:
    """Of every file and damage, the commands that read; of every file and one damage, those that measure."""
    for family in FAMILIES:
        run = finished.run(family) / "runs" / "r"
        for number, name in enumerate(representatives(run)):
            for turn, damage in enumerate((deleted, truncated, emptied)):
                prepare = half_written(run, name, damage)
                words = f"{family}-{name}-{damage.__name__}"
                commands = tuple(tunesmith(*command, expected="any") for command in READ)
                yield Case(f"half-written, {family}", f"half-{words}", prepare, commands)
                if (number + turn) % 3 == 0:
                    commands = tuple(tunesmith(*command, expected="any") for command in MEASURED)
                    yield Case(f"half-written, measured, {family}", f"half-measured-{words}", prepare, commands)


def half_written(run: Path, name: str, damage: Damage) -> Callable[[Path], None]:
    """A copy of a run with one file damaged, and beside it a whole one."""

    def prepare(folder: Path) -> None:
        for copy in ("r", "other"):
            shutil.copytree(run, folder / "runs" / copy, symlinks=True)
        damage(folder / "runs" / "r" / name)

    return prepare

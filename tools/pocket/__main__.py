"""Builds what ships: ``python -m tools.pocket musicgen``, ``ace_step``, ``step_audio`` or ``clips``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import tunesmith.pocket
from tunesmith.errors import TunesmithError
from tunesmith.pocket.shipped import FAMILIES

SHIPPED = Path(tunesmith.pocket.__path__[0])
CLIPS = "clips"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build one thing that ships; the exit code is 1 after a failure that the user can act on."""
    options = parser().parse_args(arguments)
    target = options.out or (SHIPPED / "clips" / "808" if options.what == CLIPS else SHIPPED / options.what)
    try:
        build(options.what, target, options.seed, options.minutes)
    except TunesmithError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"written: {target}")
    return 0


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(prog="python -m tools.pocket", description=__doc__)
    parser.add_argument("what", choices=[*FAMILIES, CLIPS], help="a pocket model, or the example clips")
    parser.add_argument("--out", type=Path, help="the folder to make (default: where the shipped one is)")
    parser.add_argument("--seed", type=int, default=0, help="fixes corpus, weights and batches of a model")
    parser.add_argument("--minutes", type=float, help="time for training (default: 40, 69 or 130)")
    return parser


def build(what: str, target: Path, seed: int, minutes: float | None) -> None:
    """Build a pocket model, or the example clips, into ``target``.

    Raises:
        TunesmithError: for a time that is not positive, and as the builders do.
    """
    if minutes is not None and not minutes > 0:
        raise TunesmithError(f"{minutes:g} minutes is no time to train", where="--minutes", remedy="Give more than 0.")
    if what == CLIPS:
        from tools.pocket.clips import write_shipped_clips

        write_shipped_clips(target)
    else:
        import_module(f"tools.pocket.{what}.build").build(target, seed=seed, minutes=minutes)


if __name__ == "__main__":
    sys.exit(main())

"""What a page may ask for: verbs from a fixed list, a run of the runs' folder, overrides that cannot be options."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tunesmith.errors import TunesmithError
from tunesmith.studio.errors import NotThereError
from tunesmith.texts import msg

Verb = Literal["run", "check", "encode", "train", "generate", "evaluate", "report", "demo"]
Flag = Literal["resume", "fresh", "force"]
FLAGS: dict[str, tuple[Flag, ...]] = {
    "run": ("resume", "fresh", "force"),
    "check": ("force",),
    "encode": ("force",),
    "train": ("resume", "fresh", "force"),
    "generate": (),
    "evaluate": ("force",),
    "report": (),
    "demo": (),
}
"""The flags that each verb has, of those that a page offers."""
ON_DEVICE: tuple[str, ...] = ("run", "encode", "train", "generate", "evaluate", "demo")
"""Verbs that compute on the run's device; the others wait in the queue of the CPU."""
_OVERRIDE = re.compile(r"[A-Za-z_]\w*(\.\w+)*=", re.ASCII)
_LONGEST = 4000


@dataclass(frozen=True)
class WantedJob:
    """A job that was asked for and may be done.

    Attributes:
        verb: The verb.
        run: Name of the run; empty where the verb has none.
        argv: What follows ``tunesmith``.
        device: The queue it waits in.
    """

    verb: str
    run: str
    argv: tuple[str, ...]
    device: str


def wanted(runs: Path, verb: str, run: str, overrides: Sequence[str], flags: Sequence[str] = ()) -> WantedJob:
    """The job that a page asks for.

    Args:
        runs: The folder of all runs.
        verb: The verb.
        run: Name of a folder in it; empty for the demo.
        overrides: ``key.path=value`` texts.
        flags: Names of flags, without dashes.

    Raises:
        TunesmithError: for anything else than what is on the list.
    """
    if verb not in get_args(Verb):
        raise TunesmithError(
            msg("the studio starts no `{verb}`", verb=verb),
            remedy=msg("It starts {verbs}.", verbs=get_args(Verb)),
        )
    if unknown := [flag for flag in flags if flag not in FLAGS[verb]]:
        raise TunesmithError(msg("`{verb}` has no flag `{flag}`", verb=verb, flag=unknown[0]))
    for override in overrides:
        if len(override) > _LONGEST or not _OVERRIDE.match(override) or "\0" in override:
            raise TunesmithError(
                msg("`{override}` is no override", override=override[:80]),
                remedy=msg("Write it as key.path=value, as in train.learning_rate=5e-5."),
            )
    if verb == "demo":
        if run or overrides:
            raise TunesmithError(msg("the demo has a run of its own"), remedy=msg("Ask for it without a run."))
        return WantedJob(verb, "demo", ("demo",), "cpu")
    folder = run_folder(runs, run)
    argv = (verb, str(folder), *overrides, *(f"--{flag}" for flag in dict.fromkeys(flags)))
    return WantedJob(verb, run, argv, queue_of(folder, overrides) if verb in ON_DEVICE else "cpu")


def run_folder(runs: Path, name: str) -> Path:
    """The folder of a run by its name, as it stands in the listing.

    Raises:
        NotThereError: when there is no such folder right in the runs' folder.
    """
    if name and not name.startswith(".") and "\0" not in name and not re.search(r"[/\\]", name):
        folder = runs / name
        if folder.is_dir():
            return folder
    raise NotThereError(msg("there is no run `{name}`", name=name[:200]), where=str(runs))


def queue_of(folder: Path, overrides: Sequence[str]) -> str:
    """The queue of a run's device, by its recipe and the overrides; what torch would say needs torch."""
    device = _recipe_device(folder)
    for override in overrides:
        key, _, value = override.partition("=")
        device = value if key == "model.device" else device
    if device == "auto":
        device = best_device()
    return f"{device}:0" if device == "cuda" else device if re.fullmatch(r"[a-z]+(:\d+)?", device) else "cpu"


def best_device() -> str:
    """What ``auto`` most likely means on this machine."""
    if Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists():
        return "cuda:0"
    if sys.platform == "win32":
        import shutil

        return "cuda:0" if shutil.which("nvidia-smi") else "cpu"
    return "mps" if sys.platform == "darwin" else "cpu"


def _recipe_device(folder: Path) -> str:
    import yaml

    for name in ("recipe.resolved.yaml", "recipe.yaml"):
        try:
            recipe = yaml.safe_load((folder / name).read_text(encoding="utf-8-sig"))
            return str(recipe["model"]["device"])
        except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError, RecursionError):
            continue
    return "auto"

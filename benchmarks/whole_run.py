"""Where the seconds of the demos go: imports, check, encode, updates, previews, validation, generate, evaluate, report.

    python benchmarks/whole_run.py [--family musicgen …] [--before ~/old/.venv/bin/python]

Every demo is a process of its own on one thread; processor time. A part's time is what it takes without the parts
inside of it, so that all of them add up to the whole. With ``--before``, the same demos are run in turn by another
installation (that of an older commit), and the ratio of whole processes is told.
"""

from __future__ import annotations

import argparse
import builtins
import importlib
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import protocol  # first, for it sets how many threads are used
from recording import measured, write_results
from tunesmith.files import read_json, write_json

__all__ = ["protocol"]

FAMILIES = ("musicgen", "ace_step", "step_audio")
PARTS = {
    "check": ("tunesmith.stages.check:check",),
    "encode": ("tunesmith.stages.encode:encode",),
    "train": ("tunesmith.stages.train:train",),
    "updates": ("tunesmith.training.trainer:train_update",),
    "previews": ("tunesmith.training.previews:make_previews", "tunesmith.training.trainer:base_items"),
    "validation": ("tunesmith.training.trainer:validate",),
    "probes": ("tunesmith.stages.train:probed", "tunesmith.stages.evaluate:measure_probes"),
    "generate": ("tunesmith.stages.generate:generate",),
    "evaluate": ("tunesmith.stages.evaluate:evaluate",),
    "report": ("tunesmith.stages.report:report",),
}
"""What each part's time is that of; ``train`` is what training takes beside its parts."""
IN_TRAIN = ("train", "updates", "previews", "validation")
UPDATES, IMPORTS = 0.6, 0.05
"""The least share of training that updates are to have, and the largest share of the whole that imports may have."""


class Clock:
    """Processor seconds by part, where a part inside of another one stops the other's clock."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._parts, self._since = ["other"], time.process_time()

    def _turn(self) -> None:
        now = time.process_time()
        self.spent[self._parts[-1]] += now - self._since
        self._since = now

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """The time of this block belongs to a part."""
        self._turn()
        self._parts.append(name)
        try:
            yield
        finally:
            self._turn()
            self._parts.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose time belongs to a part."""

        def measure(*arguments: Any, **named: Any) -> Any:
            with self.part(name):
                return function(*arguments, **named)

        return measure


def demo(family: str, out: Path, told: Path) -> None:
    """Run a demo in this process and write down its parts."""
    clock = Clock()
    builtins.__import__ = clock.timed("imports", builtins.__import__)
    from tunesmith.cli.main import main as tunesmith

    for part, functions in PARTS.items():
        for function in functions:
            name, attribute = function.split(":")
            module = importlib.import_module(name)
            setattr(module, attribute, clock.timed(part, getattr(module, attribute)))
    if code := tunesmith(["demo", "--family", family, "--out", str(out)]):
        raise SystemExit(code)
    with clock.part("other"):
        write_json(told, dict(clock.spent))


def whole(python: str, *arguments: str) -> float:
    """Processor seconds of a command.

    Raises:
        SystemExit: when it fails.
    """
    process = subprocess.Popen([python, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{python} {' '.join(arguments)}: exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Run the demos, print their parts, keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--before", help="the Python of another installation, run beside this one")
    parser.add_argument("--one", nargs=2, metavar=("OUT", "JSON"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        demo(given.family[0], Path(given.one[0]), Path(given.one[1]))
        return
    os.environ["TUNESMITH_BASE_STYLE"] = "off"  # each makes all of it
    for family in given.family or FAMILIES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            demo_of = ("-m", "tunesmith", "demo", "--family", family, "--out", str(folder / "before"))
            before = whole(given.before, *demo_of) if given.before else None
            told = folder / "parts.json"
            now = whole(sys.executable, __file__, "--family", family, "--one", str(folder / "now"), str(told))
            tell(family, read_json(told), now, before)
    print(write_results(__file__, [argument for family in given.family or () for argument in ("--family", family)]))


def tell(family: str, parts: dict[str, float], now: float, before: float | None) -> None:
    """Print a demo's parts, largest first, and keep them."""
    total = sum(parts.values())
    print(f"{family}: {total:.0f} CPU-s")
    for part, seconds in sorted(parts.items(), key=lambda item: -item[1]):
        print(f"  {part:<12} {seconds:6.1f}  {seconds / total:6.1%}")
    share = parts["updates"] / sum(parts[part] for part in IN_TRAIN)
    print(protocol.ratio_line(f"{family}: updates, share of train", share, UPDATES))
    print(protocol.ratio_line(f"{family}: imports, share of all", parts["imports"] / total, IMPORTS, at_least=False))
    if before is not None:
        print(protocol.ratio_line(f"{family}: before over now", before / now, 1.5))
    ratio = {} if before is None else {f"{family}_before_over_now": before / now}
    measured(**{f"{family}_parts": parts, f"{family}_updates_of_train": share, f"{family}_cpu_s": now}, **ratio)


if __name__ == "__main__":
    main()

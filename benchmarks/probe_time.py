"""What the loss probes cost: their processor time, in training's last moments and in ``evaluate``, over the training's.

    python benchmarks/probe_time.py [--family musicgen …]

Runs the demos in this process, whole and on one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import protocol  # first, for it sets how many threads are used
from recording import measured, write_results
from tunesmith.cli.main import main as tunesmith
from tunesmith.stages import evaluate as evaluate_stage
from tunesmith.stages import train as train_stage

__all__ = ["protocol"]

FAMILIES = ("musicgen", "ace_step", "step_audio")
TIMED = ((train_stage, "train_adapter"), (train_stage, "probed"), (evaluate_stage, "measure_probes"))


def timed(function: Callable[..., Any], spent: dict[str, float], name: str) -> Callable[..., Any]:
    """The function, whose processor time is added up under a name."""

    def measure(*arguments: Any, **named: Any) -> Any:
        begin = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            spent[name] += time.process_time() - begin

    return measure


def main() -> None:
    """Run the demos, print the shares, keep them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", action="append", choices=FAMILIES)
    given = parser.parse_args()
    spent: defaultdict[str, float] = defaultdict(float)
    for module, name in TIMED:
        setattr(module, name, timed(getattr(module, name), spent, name))
    for family in given.family or FAMILIES:
        spent.clear()
        with tempfile.TemporaryDirectory() as folder:
            if code := tunesmith(["demo", "--family", family, "--out", str(Path(folder) / "demo")]):
                raise SystemExit(code)
        training = spent["train_adapter"] - spent["probed"]
        shares = {name: spent[name] / training for name in ("probed", "measure_probes")}
        print(
            f"{family}: training {training:.1f} CPU-s; probes at its end {shares['probed']:.1%}, in evaluate ", end=""
        )
        print(f"{shares['measure_probes']:.1%}, together {sum(shares.values()):.1%}", flush=True)
        figures = {"training_cpu_s": training, **shares, "together": sum(shares.values())}
        measured(**{f"{family}_{name}": value for name, value in figures.items()})
    print(write_results(__file__))


if __name__ == "__main__":
    main()

"""Everything that only a GPU can tell, in nine minutes: one JSON, one table.

    PYTHONPATH=src python benchmarks/gpu.py                       # all parts, 540 s at most
    PYTHONPATH=src python benchmarks/gpu.py --only memory speed   # some of them
    PYTHONPATH=src python benchmarks/gpu.py --pocket --device cpu # the same lines, small: no figure means anything

Parts, by importance: losses and gradients against the CPU's, in fp32 and bf16; going on from a checkpoint; compiled
against eager gradients; int8 and NF4; the memory of full-size updates against the planner's; tokens/s and MFU against
their floors; samplers against real time. Weights are random, and nothing is downloaded. A step that fails is recorded
with its error, and the next one begins. A step that was done on this machine is not done again without ``--again``; one
that there is no time left for is done the next time. ``docs/benchmarks.md`` says how to run it on a bare machine.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import protocol
from recording import FOLDER

DRY_FOLDER = Path("benchmark-runs") / "gpu"


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line's."""
    from gpu_parts.record import PARTS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART", help=", ".join(PARTS))
    parser.add_argument(
        "--steps", nargs="+", default=["*"], metavar="PATTERN", help="of the parts, steps with such names"
    )
    parser.add_argument("--seconds", type=float, default=540.0, help="no step is begun that may outlast them")
    parser.add_argument("--again", action="store_true", help="also do what has been done on this machine")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--pocket", action="store_true", help="small models and short clips at every size")
    parser.add_argument("--out", type=Path, help=f"folder of gpu.json and gpu.md, instead of {FOLDER} or {DRY_FOLDER}")
    options = parser.parse_args(given)
    if options.device == "cpu" and not options.pocket:
        parser.error("a CPU takes hours for the real sizes; add --pocket to go through the same lines")
    return options


def main(given: list[str] | None = None) -> int:
    """Measure, or say why not; 1 where a step failed."""
    begun = time.monotonic()  # imports count
    options = arguments(given)
    import torch

    from gpu_parts.bench import use_all_cores
    from gpu_parts.cases import Place
    from gpu_parts.record import PARTS, Budget, Results, Wanted, do

    if options.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("This benchmark needs a CUDA device, and this machine has none; see --pocket --device cpu.")
    if options.device == "cuda":
        use_all_cores()
    folder = options.out or (DRY_FOLDER if options.pocket else FOLDER)
    results = Results(folder, ["--pocket"] if options.pocket else [])
    budget, left_out = Budget(options.seconds, begun), []
    with tempfile.TemporaryDirectory() as work:
        place = Place(options.device, options.pocket, Path(work))
        for part in options.only or PARTS:
            left_out += do(part, place, results, budget, Wanted(options.steps, options.again))
    print(results.table())
    if left_out:
        print(f"No time was left for: {', '.join(left_out)}. Run it again for the rest.")
    print(f"{options.seconds - budget.left:.0f} s; figures are in {folder / 'gpu.json'}")
    return int(any("error" in figures for steps in results.parts.values() for figures in steps.values()))


if __name__ == "__main__":
    assert protocol  # it sets the environment before anything else is imported
    sys.exit(main())

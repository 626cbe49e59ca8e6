"""The pocket models tuned well, and badly in nine ways: is the first cause that is named the right one?

    python benchmarks/story.py --work /tmp/story [--family musicgen] [--cell scale_4 …] [--seed 100] [--again]

Every cell is a run by the command line, of which only the run folder is judged. A cell that is done is not done again;
``--again`` evaluates it anew (after a change of the rules). Prints the confusion table and which cells were misjudged.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.recording import measured, write_results
from benchmarks.story_cells.afterwards import AFTERWARDS
from benchmarks.story_cells.cells import FAMILIES, PRESETS, SAME, SHORT, Cell, cells
from benchmarks.story_cells.clips import POCKET, lay_out
from tunesmith.files import read_json, write_json, write_text

TUNESMITH = ("-m", "tunesmith")
WRONG = str(Path(__file__).parent / "story_cells" / "wrong_objective.py")
MODELS = {"musicgen": POCKET / "musicgen", "ace_step": POCKET / "ace_step", "step_audio": POCKET / "step_audio"}


def prepare(cell: Cell, run: Path) -> None:
    """The run's folder: clips, a base of its own, and a recipe; or a copy of the good run."""
    if cell.afterwards:
        own = shutil.ignore_patterns("story.json", "trained.json", "evaluated.json")
        shutil.copytree(good_run(cell, run), run, dirs_exist_ok=True, ignore=own)
        AFTERWARDS[cell.afterwards](run)
        return
    run.mkdir(parents=True)
    lay_out(cell.family, cell.damage, run / "clips")
    shutil.copytree(MODELS[cell.family], run / "base")
    write_text(
        run / "recipe.yaml",
        f"preset: {PRESETS[cell.family]}\nname: {cell.key}\ndata:\n  folder: clips\nmodel:\n  path: base\n",
    )


def good_run(cell: Cell, run: Path) -> Path:
    """The run that a cell without training of its own begins with."""
    return run.parent / f"{cell.family}-good_1"


def overrides(cell: Cell) -> list[str]:
    """What a cell's recipe has beside its preset."""
    given = {key.split("=")[0]: key for key in (*SHORT[cell.family], *SAME, *cell.settings)}
    return list(given.values())


def train(cell: Cell, run: Path) -> str:
    """Train a cell, or spoil the good run; the last lines of a command that failed, else nothing."""
    done = run / "trained.json"
    if not done.exists():
        shutil.rmtree(run, ignore_errors=True)
        if cell.afterwards and not (good_run(cell, run) / "trained.json").exists():
            return "the good run that it begins with is not trained"
        prepare(cell, run)
        begin = time.monotonic()
        program = (WRONG, cell.objective) if cell.objective else TUNESMITH
        if not cell.afterwards and (said := command(run, program, "train", *overrides(cell))):
            return said
        write_json(done, {"seconds": time.monotonic() - begin})
    return ""


def evaluate(cell: Cell, run: Path) -> str:
    """Evaluate a trained cell anew."""
    begin = time.monotonic()
    if said := command(run, TUNESMITH, "evaluate", "--force", *overrides(cell)):
        return said
    write_json(run / "evaluated.json", {"seconds": time.monotonic() - begin})
    return ""


def command(run: Path, program: Sequence[str], verb: str, *arguments: str) -> str:
    """Runs one command; empty when it worked."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "TUNESMITH_LANG": "en"}
    line = [sys.executable, *program, verb, str(run), *arguments]
    ended = subprocess.run(line, check=False, capture_output=True, text=True, env=environment)
    write_text(run / f"{verb}.log", ended.stdout + ended.stderr)
    return "" if ended.returncode == 0 else (ended.stdout + ended.stderr).strip()[-600:]


def judged(run: Path) -> dict[str, Any]:
    """What the evaluation says: the causes in their order, and what is bad."""
    record = read_json(run / "evaluation" / "comparison_results.json")
    return {
        "causes": [cause["name"] for cause in record["verdict"].get("causes", ())],
        "bad": [f["name"] for f in record["findings"] if f["kind"] in ("broken", "worse")],
        "base": (record["losses"] or {}).get("base", {}).get("loss"),
        "adapter": (record["losses"] or {}).get("adapter", {}).get("loss"),
    }


def table(results: dict[str, dict[str, Any]], told: Sequence[Cell]) -> list[str]:
    """Expected against first-named cause, and every cell that was misjudged."""
    counts: dict[tuple[str, str], int] = {}
    wrong = []
    for cell in told:
        found = results[cell.key]
        first = found.get("error") or next(iter(found.get("causes", ())), "")
        counts[cell.expected or "-", first or "-"] = counts.get((cell.expected or "-", first or "-"), 0) + 1
        if first != cell.expected:
            wrong.append(f"  {cell.key}: expected {cell.expected or 'nothing'}, named {first or 'nothing'}; {found}")
    lines = [f"{expected:>14} → {first:<14} {count}" for (expected, first), count in sorted(counts.items())]
    right = len(told) - len(wrong)
    return [*lines, f"{right} of {len(told)} right", *wrong]


def main() -> None:
    """Tell all that is asked for, print the table, keep the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--cell", action="append")
    parser.add_argument("--seed", type=int, default=0, help="moves every cell's seed; give each its own --work")
    parser.add_argument("--again", action="store_true", help="evaluate cells that are done anew")
    parser.add_argument("--only-train", action="store_true", help="leave the evaluation for another time")
    given = parser.parse_args()
    told, results = [], {}
    for family in given.family or FAMILIES:
        for cell in cells(family, given.seed):
            if given.cell and cell.name not in given.cell:
                continue
            if given.only_train:
                print(cell.key, train(cell, given.work / cell.key), flush=True)
                continue
            told.append(cell)
            results[cell.key] = tell_once(cell, given.work / cell.key, again=given.again)
            print(cell.key, results[cell.key], flush=True)
    print("\n".join(table(results, told)))
    measured(cells={cell.key: {"expected": cell.expected, **results[cell.key]} for cell in told}, seed=given.seed)
    print(write_results(__file__, ["--seed", str(given.seed)]))


def tell_once(cell: Cell, run: Path, *, again: bool) -> dict[str, Any]:
    """A cell's judgement; what went wrong where a command failed."""
    kept = run / "story.json"
    if kept.exists() and not again:
        return dict(read_json(kept))
    error = train(cell, run) or evaluate(cell, run)
    found = {"error": error} if error else judged(run)
    if not error:
        write_json(kept, found)
    return found


if __name__ == "__main__":
    main()

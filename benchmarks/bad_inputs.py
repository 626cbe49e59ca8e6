"""Bad inputs over every verb, doorway and family, through the command line: each must end in a sentence.

Fails where one ends in a traceback, in "something unforeseen", in a hang, with a torn or half-written result, or with
an adapter lost. The first time makes finished runs to damage, which takes minutes and is kept in ``--work``.

    python benchmarks/bad_inputs.py                    # some 320 cases, evenly from all kinds
    python benchmarks/bad_inputs.py --all              # every case
    python benchmarks/bad_inputs.py --only run-musicgen-metrics.jsonl-emptied-info
"""

from __future__ import annotations

import argparse
import random
import shlex
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from fnmatch import fnmatchcase
from multiprocessing.context import ForkServerContext
from pathlib import Path

from bad_input_cases import (
    audio_cases,
    damage,
    doorway_cases,
    ear_cases,
    flag_cases,
    folder_cases,
    half_written_cases,
    list_cases,
    listening_cases,
    prepared_cases,
    recipe_cases,
    weight_cases,
)
from bad_input_cases.case import Case, Command
from bad_input_cases.execute import PROGRAMS, Outcome, forkserver, run_command
from bad_input_cases.finished import Finished, finish
from bad_input_cases.judge import faults, look

__all__ = ["PROGRAMS", "Case", "Command", "Outcome", "faults", "fnmatchcase"]

PROGRESS = 20
KINDS = (
    recipe_cases,
    audio_cases,
    list_cases,
    folder_cases,
    damage,
    half_written_cases,
    weight_cases,
    flag_cases,
    doorway_cases,
    listening_cases,
    prepared_cases,
    ear_cases,
)


@dataclass(frozen=True)
class Result:
    """What a case came to: of every command how it ended and what is wrong with that."""

    case: Case
    commands: tuple[tuple[Command, Outcome, tuple[str, ...]], ...]
    seconds: float

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return any(wrong for _, _, wrong in self.commands)


def all_cases(finished: Finished) -> list[Case]:
    """Every case, each name once."""
    cases = {case.name: case for kind in KINDS for case in kind.cases(finished)}
    return list(cases.values())


def chosen(cases: Sequence[Case], count: int, seed: int) -> list[Case]:
    """``count`` of the cases, drawn by ``seed``, in turn from every kind."""
    draw = random.Random(seed)
    kinds: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        kinds[case.kind].append(case)
    for of_kind in kinds.values():
        draw.shuffle(of_kind)
    taken: list[Case] = []
    while len(taken) < min(count, len(cases)):
        taken += [of_kind.pop() for of_kind in kinds.values() if of_kind]
    return taken[:count]


def run_case(context: ForkServerContext, case: Case, limit: float, keep: Path | None) -> Result:
    """Make the input of a case in a folder of its own and run its commands."""
    began, ran = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="bad-input-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        folder = root / "here"
        folder.mkdir()
        root.chmod(0o755)
        case.prepare(folder)
        for number, command in enumerate(case.commands):
            logs = root / f"logs-{number}"
            logs.mkdir()
            logs.chmod(0o777)
            before = look(folder)
            outcome = run_command(context, command, folder, logs, limit)
            ran.append((command, outcome, tuple(faults(command, outcome, folder, before))))
        result = Result(case, tuple(ran), time.monotonic() - began)
        if keep is not None and result.failed:
            shutil.copytree(folder, keep / case.name.replace("/", "_")[:200], symlinks=True, dirs_exist_ok=True)
    return result


def show(result: Result, *, everything: bool = False) -> str:
    """A failing case in full: its commands, what is wrong, and the last of what they said."""
    lines = [f"{result.case.kind}: --only {shlex.quote(result.case.name)}"]
    for command, outcome, wrong in result.commands:
        if wrong or everything:
            words = shlex.join(word if len(word) < 120 else f"{word[:100]}…" for word in command.words)
            lines += [f"  $ {words}   (exit code {outcome.code}, {outcome.seconds:.1f} s)"]
            lines += [f"    {text}" for text in wrong]
            said = (outcome.out + outcome.err).strip().splitlines()
            lines += [f"    | {line[:300]}" for line in (said if everything else said[-4:])]
    return "\n".join(lines).encode("utf-8", "replace").decode()


def table(results: Sequence[Result]) -> str:
    """Kinds with how many cases, commands and failures each has."""
    rows: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for result in results:
        row = rows[result.case.kind]
        row[0] += 1
        row[1] += len(result.commands)
        row[2] += result.failed
    rows["all"] = [sum(row[column] for row in rows.values()) for column in range(3)]
    lines = [f"{'kind':36} {'cases':>6} {'commands':>9} {'failures':>9}"]
    return "\n".join(lines + [f"{kind:36} {row[0]:6} {row[1]:9} {row[2]:9}" for kind, row in rows.items()])


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The script's flags."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "tunesmith-bad-inputs")
    parser.add_argument("--cases", type=int, default=320, help="how many (default: 320)")
    parser.add_argument("--all", action="store_true", help="every case")
    parser.add_argument("--only", metavar="NAME", help="one case, or those that a pattern with * names")
    parser.add_argument("--seed", type=int, default=0, help="which cases are drawn")
    parser.add_argument("--jobs", type=int, default=2, help="cases at once")
    parser.add_argument("--limit", type=float, default=90, help="processor seconds of a command before it is a hang")
    parser.add_argument("--keep", type=Path, help="copy the folders of failing cases here")
    parser.add_argument("--list", action="store_true", help="print the names and kinds of the cases and end")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the inputs, run them, and say what came of them."""
    options = parsed(arguments)
    finished = finish(options.work.resolve())
    cases = all_cases(finished)
    if options.only:
        cases = [case for case in cases if case.name == options.only or fnmatchcase(case.name, options.only)]
    elif not options.all:
        cases = chosen(cases, options.cases, options.seed)
    if options.list:
        print("\n".join(f"{case.kind}: {case.name}" for case in cases).encode("utf-8", "replace").decode())
        return 0
    if not cases:
        raise SystemExit("no case has this name; --list --all prints them")
    results = run_all(cases, options)
    failed = [result for result in results if result.failed]
    print(table(results))
    print(f"{len(failed)} of {len(results)} cases failed (seed {options.seed})")
    return 1 if failed else 0


def run_all(cases: Sequence[Case], options: argparse.Namespace) -> list[Result]:
    """Run the cases, some at once; failing ones are printed as they come."""
    context = forkserver()
    results = []
    with ThreadPoolExecutor(options.jobs) as pool:
        runs = [pool.submit(run_case, context, case, options.limit, options.keep) for case in cases]
        for run in as_completed(runs):
            result = run.result()
            results.append(result)
            if len(results) % PROGRESS == 0:
                print(f"{len(results)} of {len(cases)}", file=sys.stderr, flush=True)
            if result.failed or len(cases) == 1:
                print(show(result, everything=len(cases) == 1), flush=True)
    return results


if __name__ == "__main__":
    sys.exit(main())

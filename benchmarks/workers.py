"""How many times as fast two worker processes check and encode a folder as none, in wall-clock time.

The clips are those of ``check_speed.py``, or of a folder that you name; the model is the pocket MusicGen, on which
torch computes on one thread in either arm. Whole commands are measured, start and imports with them, in turn, and the
fastest round of each counts. How many times as fast two loops run at once as one after the other, before, between and
after, is the most that two workers can gain while other work is on the machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import protocol
from check_speed import write_clips
from recording import measured, write_results

AIM = 1.8
_LOOP = "x = 0\nfor n in range(20_000_000): x += n\n"


def tunesmith(folder: Path, *words: str) -> float:
    """Seconds that a command takes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tunesmith", *words]
    begun = time.monotonic()
    subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def gain_of_two_loops() -> float:
    """How many times as fast two loops run at once as one after the other."""

    def seconds(count: int) -> float:
        begun = time.monotonic()
        loops = [subprocess.Popen([sys.executable, "-c", _LOOP]) for _ in range(count)]
        for loop in loops:
            loop.wait()
        return time.monotonic() - begun

    return 2 * seconds(1) / seconds(2)


def round_of(folder: Path, clips: Path, workers: int) -> dict[str, float]:
    """Seconds of ``check`` and ``encode`` on a run that has nothing yet."""
    runs = folder / "runs"
    shutil.rmtree(runs, ignore_errors=True)
    recipe = runs / "r" / "recipe.yaml"
    recipe.parent.mkdir(parents=True)
    data = f"{{folder: '{clips}', default_text: beat, workers: {workers}}}"
    recipe.write_text(f"model: {{path: pocket, device: cpu}}\ndata: {data}\n", encoding="utf-8")
    return {verb: tunesmith(folder, verb, "r") for verb in ("check", "encode")}


def same(first: Path, second: Path) -> bool:
    """Whether two folders hold the same files, byte by byte."""
    files = [{p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()} for root in (first, second)]
    return files[0] == files[1]


def main() -> None:
    """Measure both commands with one and two workers in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="your own clips instead")
    options = parser.parse_args()
    times: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        root, clips = Path(name), options.folder or Path(name) / "clips"
        if options.folder is None:
            clips.mkdir()
            write_clips(clips, options.clips, options.seconds, 44_100, "wav")
        loops = [gain_of_two_loops()]
        for _ in range(options.rounds):
            for workers in (1, 2):
                times[workers].append(round_of(root, clips.resolve(), workers))
                kept = root / f"data-{workers}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(root / "runs" / "r" / "data", kept)
            loops.append(gain_of_two_loops())
        equal = same(root / "data-1", root / "data-2")
    best = {verb: {w: min(each[verb] for each in found) for w, found in times.items()} for verb in ("check", "encode")}
    gains = {verb: found[1] / found[2] for verb, found in best.items()}
    print(f"two loops at once: {', '.join(f'{gain:.2f}' for gain in loops)} times as fast; same bytes: {equal}")
    for verb, gain in gains.items():
        print(protocol.ratio_line(f"{verb} with two workers, times as fast as with one", gain, AIM))
    seconds = {verb: {str(w): round(s, 2) for w, s in found.items()} for verb, found in best.items()}
    measured(times_as_fast=gains, seconds=seconds, loops=loops, same_bytes=equal)
    write_results(__file__, None if options.folder is None else ["--folder"])


if __name__ == "__main__":
    main()

"""What a set costs per clip, from 200 clips to a million: processor time and memory of the commands and of training.

``new``, ``check`` and ``report`` (and ``encode``, on small sets) are whole commands over files of a second that differ
(links to one file would be quarantined as copies of it), each with a caption of its own. What a training process keeps
of its clips is measured on entries that are made up: a manifest whose clips are parts of a few files, and a store whose
entries share their bytes. Each size is measured in a process of its own, which opens the clips, plans two epochs, and
reads what the gates, the probes at the end and the model card read. Memory is private and dirty: pages of a mapped file
are the system's to take back.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

import protocol
from check_speed import write_clips
from recording import measured, write_results
from worker_memory import private_bytes

FILES, SECONDS, RATE = 20, 1.0, 16_000
CAPTIONS = 1_000
AIM_MB = 50
"""For all that a training process keeps of a million clips."""
ENCODED = 2_000
"""The largest set that is encoded."""
RECIPE = "model: {{path: pocket, device: cpu, precision: fp32}}\ndata: {{folder: '{folder}', max_seconds: 1}}\n"


def cost(folder: Path, *words: str) -> dict[str, float]:
    """Processor seconds of a command with its workers, and the largest resident set (MB) of any of its processes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "tunesmith", *words]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = process.stdout.read() if process.stdout else b""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}\n{said.decode()}")
    return {"cpu_s": usage.ru_utime + usage.ru_stime, "peak_mb": usage.ru_maxrss * 1024 / 1e6}


def commands(root: Path, size: int) -> dict[str, dict[str, float]]:
    """Costs by command, over so many files."""
    clips = root / "clips"
    clips.mkdir(parents=True)
    write_clips(clips, size, SECONDS, RATE, "wav")
    for i in range(size):
        (clips / f"{i}.txt").write_text(f"beat number {i}", encoding="utf-8")
    found = {
        "new": cost(root, "new", "r", "--from", str(clips), "--model", "pocket"),
        "check": cost(root, "check", "r"),
    }
    if size <= ENCODED:
        found["encode"] = cost(root, "encode", "r")
    return found | {"report": cost(root, "report", "r")}


def entries(files: Path, size: int) -> Iterator[dict[str, Any]]:
    """The lines of a manifest: parts of a few files, one in ten held out."""
    for i in range(size):
        start = round(1e-6 * i, 6)
        yield {
            "id": f"{i // 1000:04d}/clip-{i % 1000:03d}.wav",
            "audios": {"audio": {"path": str(files / f"{i % FILES}.wav"), "start": start, "end": 2.0, "duration": 1.0}},
            "texts": {"caption": f"beat {i % CAPTIONS}, dark and slow, with a long 808 and a bright bell over it"},
            "source": f"track {i // 4}",
            "split": "valid" if i // 4 % 10 == 0 else "train",
        }


def write_run(root: Path, size: int) -> None:
    """A run of made-up entries whose clips are all encoded."""
    files, run = root / "files", root / "runs" / "r"
    files.mkdir(parents=True)
    (run / "data").mkdir(parents=True)
    write_clips(files, FILES, 2.0, RATE, "wav")
    (run / "recipe.yaml").write_text(RECIPE.format(folder=files), encoding="utf-8")
    with (run / "data" / "manifest.jsonl").open("w", encoding="utf-8") as manifest:
        manifest.writelines(json.dumps(entry) + "\n" for entry in entries(files, size))
    write_store(root)


def opened(root: Path) -> Any:
    """The run."""
    from tunesmith.stages.open import open_run

    return open_run("r", command="", root=root / "runs")


def write_store(root: Path) -> None:
    """The store that encoding would have made, by its own format; all entries of a field share their bytes."""
    from tunesmith.data.cache import COLUMNS, HIGH, LOW, NDIM, SHAPE
    from tunesmith.data.sample import read_manifest
    from tunesmith.files import sync

    context = opened(root)
    encoding = context.family.encoding
    names = [spec.name for spec in encoding.fields()]
    keys: dict[str, list[bytes]] = {name: [] for name in names}
    for sample in read_manifest(context.folder.manifest):
        for name in names:
            keys[name].append(bytes.fromhex(encoding.field_key(sample, name)[:32]))
    for name in names:
        unique = np.unique(np.frombuffer(b"".join(keys[name]), np.dtype((">u8", 2))), axis=0).astype(np.uint64)
        index = np.zeros((len(unique), COLUMNS), np.uint64, order="F")
        index[:, HIGH], index[:, LOW], index[:, NDIM] = unique[:, 0], unique[:, 1], 2
        index[:, SHAPE], index[:, SHAPE + 1] = 4, 60 + np.arange(len(unique)) % 41  # a crop has 80 frames
        folder = context.folder.cache / name
        folder.mkdir(parents=True)
        (folder / "shard-00000.bin").write_bytes(bytes(4 * 4 * 100))
        np.save(folder / "index.npy", index)
        for file in folder.iterdir():
            sync(file)


def training_list(root: Path) -> dict[str, dict[str, float]]:
    """What each step takes of processor time and of private memory (MB), in the order of a training."""
    import torch  # noqa: F401 - what every training has

    from tunesmith.data.mapped_manifest import map_manifest
    from tunesmith.run.evaluated import training_samples
    from tunesmith.run.model_card import model_card
    from tunesmith.stages.probes import spread
    from tunesmith.training.gates import leakage
    from tunesmith.training.schedule import Schedule
    from tunesmith.training.setup import open_clips

    context = opened(root)
    context.family.encoding.fields()
    model_card(context, "")  # its imports
    before, found = private_bytes()["Private_Dirty"], {}

    def step(name: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        seconds = time.process_time() - began
        gc.collect()
        found[name] = {"cpu_s": seconds, "kept_mb": (private_bytes()["Private_Dirty"] - before) / 1e6}
        return result

    clips = step("open the clips", lambda: open_clips(context))
    schedule = Schedule(clips.train, 8, 0, clips.mix)
    step("plan an epoch", lambda: schedule.items(0))
    step("plan the next", lambda: schedule.items(schedule.per_epoch))
    step("leakage gate", lambda: leakage(map_manifest(context.folder.manifest)))
    step("model card", lambda: model_card(context, ""))
    step("clips of the probes", lambda: spread(training_samples(context.folder)))
    return found


def in_process(root: Path) -> dict[str, dict[str, float]]:
    """:func:`training_list` in a process of its own."""
    command = [sys.executable, __file__, "--of", str(root)]
    found: dict[str, dict[str, float]] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return found


def main() -> None:
    """Measure all sizes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, nargs="*", default=[200, 2_000, 20_000], help="sizes of sets of files")
    parser.add_argument("--entries", type=int, nargs="*", default=[200, 2_000, 20_000, 1_000_000])
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.of:
        print(json.dumps(training_list(options.of)))
        return
    by_command, by_step = {}, {}
    for size in options.files:
        with tempfile.TemporaryDirectory() as name:
            by_command[str(size)] = commands(Path(name), size)
        for command, figures in by_command[str(size)].items():
            each = 1000 * figures["cpu_s"] / size
            print(f"{size:9,d} files: {command:7s} {each:8.2f} ms per clip, {figures['peak_mb']:6.0f} MB", flush=True)
    for size in options.entries:
        with tempfile.TemporaryDirectory() as name:
            write_run(Path(name), size)
            by_step[str(size)] = in_process(Path(name))
        for step, figures in by_step[str(size)].items():
            each = 1e6 * figures["cpu_s"] / size
            print(
                f"{size:9,d} clips: {step:20s} {each:8.1f} µs per clip, {figures['kept_mb']:7.1f} MB kept", flush=True
            )
    if by_step:
        kept = max(figures["kept_mb"] for figures in by_step[str(max(options.entries))].values())
        print(protocol.ratio_line("MB that training keeps of the largest set", kept, AIM_MB, at_least=False))
    measured(commands=by_command, training=by_step)
    write_results(__file__)


if __name__ == "__main__":
    main()

"""Kill runs at random moments and repeat the command: what comes out is compared with an undisturbed run, bit for bit.

    python benchmarks/kills.py --kills 40 --work /tmp/kills

Every family's pocket model goes through all stages and an export. A victim is killed (SIGKILL, with all processes that
it started) at a drawn moment, and the same command is typed again until it ends; the moments are spread over
all of the time that an undisturbed run took, so that every stage is hit. One more run trains in two processes. At the
end no temporary file may be left, and adapters, metrics, the encoded cache, audio, comparison and exports have to be
those of the undisturbed run.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
POCKET = ROOT / "src" / "tunesmith" / "pocket"
MUSIC, VOICE = POCKET / "clips" / "808", POCKET / "step_audio" / "examples" / "voice"
TUNESMITH = [sys.executable, "-m", "tunesmith"]
TWO_PROCESSES = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "-m", "tunesmith"]
SMALL = """
name: {name}
model: {{path: {model}, device: cpu}}
data: {{folder: {clips}, max_seconds: 4.0, min_crop_seconds: 2.0}}
train:
  {{{length}, batch_size: 2, accumulation: 1, save_every: 3, valid_every: 3, log_every: 1, ema_decay: 0.9}}
adapter: {{dropout: 0.1}}
gates: {{base_loss: warn, layout: warn}}
previews: {{every: 6, seconds: 2.0, count: 1, max_share: 1000}}
generate: {{count: 2, seconds: 2.0}}
evaluate: {{count: 2, seconds: 2.0, forgetting_prompts: 1}}
"""
TIMES = ("time", "seconds", "trained", "tokens_per_second", "written", "updated", "begun")
"""Keys that hold clock times, in any record."""


@dataclass(frozen=True)
class Case:
    """One kind of run.

    Attributes:
        name: Of the run.
        model: Its pocket model.
        clips: The folder or list it learns from.
        commands: Arguments of ``tunesmith`` in turn; ``RUN`` stands for the run's folder.
        launcher: What runs them.
        length: Keys of the recipe that say how long it trains.
    """

    name: str
    model: str
    clips: Path
    commands: tuple[tuple[str, ...], ...]
    launcher: list[str] = field(default_factory=lambda: TUNESMITH)
    length: str = "updates: 9"


CASES = (
    Case("musicgen", "pocket", MUSIC, (("run", "RUN"), ("export", "RUN", "--merged"))),
    Case("ace_step", "pocket/ace_step", MUSIC, (("run", "RUN"), ("export", "RUN"))),
    Case(
        "step_audio",
        "pocket/step_audio",
        VOICE,
        (("run", "RUN"), ("export", "RUN")),
        length="stages: {llm: {updates: 3}, flow: {updates: 3}, joint: {updates: 3}}",
    ),
    Case("two_processes", "pocket", MUSIC, (("train", "RUN"),), TWO_PROCESSES),
)


def write_recipe(case: Case, folder: Path) -> None:
    """The run's folder with its recipe."""
    folder.mkdir(parents=True)
    text = SMALL.format(name=case.name, model=case.model, clips=case.clips, length=case.length)
    (folder / "recipe.yaml").write_text(text, encoding="utf-8")


def start(case: Case, command: tuple[str, ...], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start one command in a process group of its own."""
    words = [*case.launcher, *(str(folder) if word == "RUN" else word for word in command)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    with log.open("ab") as output:
        return subprocess.Popen(
            words, stdout=output, stderr=subprocess.STDOUT, env=environment, start_new_session=True, cwd=folder.parent
        )


def undisturbed(case: Case, folder: Path) -> list[float]:
    """Run every command to its end; seconds that each took."""
    write_recipe(case, folder)
    seconds = []
    for command in case.commands:
        begun = time.monotonic()
        if start(case, command, folder, folder.parent / "undisturbed.log").wait() != 0:
            raise SystemExit(f"{case.name}: `{' '.join(command)}` fails undisturbed; see {folder.parent}")
        seconds.append(time.monotonic() - begun)
    return seconds


def killed(case: Case, folder: Path, seconds: list[float], kills: int, draw: random.Random) -> int:
    """Run every command with kills at drawn moments, spread over all of it; how many there were."""
    write_recipe(case, folder)
    done = 0
    whole = sum(seconds)
    for command, took in zip(case.commands, seconds, strict=True):
        wanted = max(1, round(kills * took / whole))
        for number in range(wanted + 50):
            process = start(case, command, folder, folder.parent / "killed.log")
            if number < wanted and not ended_within(process, draw.uniform(0.3, took / wanted * 2 + 3.0)):
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                await_orphans(folder)
                done += 1
                continue
            if process.wait() == 0:
                break
            raise SystemExit(f"{case.name}: `{' '.join(command)}` fails after {done} kills; see {folder.parent}")
    return done


def await_orphans(folder: Path, seconds: float = 60.0) -> None:
    """Wait until processes whose launcher was killed have ended, as they do by themselves."""
    until = time.monotonic() + seconds
    look = ["pgrep", "-f", f"tunesmith .*{folder}"]
    while found := subprocess.run(look, check=False, capture_output=True, text=True).stdout:
        if time.monotonic() > until:
            raise SystemExit(f"these processes outlive their launcher: {found.split()}")
        time.sleep(0.2)


def ended_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether a process ends within so many seconds."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def results(folder: Path) -> dict[str, str]:
    """Digest of every result of a run, by its name; times and paths left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if not path.is_file() or name.startswith(("cache", "tensorboard", "processes", "attempts")):
            continue
        if path.suffix in (".safetensors", ".wav", ".pt", ".npz"):
            found[name] = digest(content_of(path))
        elif path.suffix in (".json", ".jsonl"):
            lines = [path.read_text("utf-8")] if path.suffix == ".json" else path.read_text("utf-8").splitlines()
            kept = [plain(json.loads(line), folder) for line in lines]
            kept = [line for line in kept if not (isinstance(line, dict) and line.get("kind") == "event")]
            found[name] = digest(json.dumps(kept, sort_keys=True).encode())
    return {name: key for name, key in found.items() if not name.startswith(("stages", "environment", "data/facts"))}


def content_of(path: Path) -> bytes:
    """What counts of a binary file: its bytes, and of a pickle of torch its tensors and values."""
    if path.suffix != ".pt":
        return path.read_bytes()
    import torch

    return repr(torch.load(path, map_location="cpu", weights_only=True)).encode()


def plain(value: Any, folder: Path) -> Any:
    """A record without clock times, and without the place of the run."""
    if isinstance(value, dict):
        return {key: plain(item, folder) for key, item in value.items() if key not in TIMES}
    if isinstance(value, list):
        return [plain(item, folder) for item in value]
    return value.replace(str(folder), "RUN") if isinstance(value, str) else value


def digest(content: bytes) -> str:
    """A short key of bytes."""
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def cached(folder: Path) -> dict[str, str]:
    """Digest of everything encoded, by field and key; the order in which it was written plays no part."""
    from tunesmith.data.cache import FieldStore
    from tunesmith.families.registry import make_family
    from tunesmith.recipe.load import load_recipe

    model = load_recipe(folder / "recipe.yaml").model
    found = {}
    for spec in make_family(model.path, model.family, {}, None).encoding.fields():
        store = FieldStore(folder / "cache" / spec.name, spec)
        for row in range(len(store)):
            key = f"{int(store.index[row, 0]):016x}{int(store.index[row, 1]):016x}"
            found[f"{spec.name} {key}"] = digest(store.read(row).tobytes())
    return found


def leftovers(folder: Path) -> Iterator[str]:
    """Temporary files and folders that nobody took away."""
    for path in folder.rglob(".*"):
        if path.name.startswith(".") and not path.name.endswith(".lock"):
            yield str(path.relative_to(folder))


def difference(whole: Path, victim: Path) -> list[str]:
    """What a killed run has otherwise than the undisturbed one."""
    wrong = [f"left over: {name}" for name in leftovers(victim)]
    for kind in (results, cached):
        expected, found = kind(whole), kind(victim)
        wrong += [f"{name}: missing" for name in expected.keys() - found.keys()]
        wrong += [f"{name}: more than there should be" for name in found.keys() - expected.keys()]
        wrong += [f"{name}: differs" for name in expected.keys() & found.keys() if expected[name] != found[name]]
    finished = [line for line in (victim / "metrics.jsonl").read_text("utf-8").splitlines() if '"finished"' in line]
    return wrong + ([] if len(finished) == 1 else [f"{len(finished)} lines say that training is finished"])


def main() -> int:
    """Run the cases; 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40, help="of all cases together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder for the runs, which are kept")
    parser.add_argument("--only", help="one case by its name")
    given = parser.parse_args()
    draw, failed, done = random.Random(given.seed), 0, 0
    wanted = [case for case in CASES if given.only in (None, case.name)]
    for case in wanted:
        whole, victim = (given.work.resolve() / case.name / name / case.name for name in ("whole", "killed"))
        shutil.rmtree(given.work / case.name, ignore_errors=True)
        seconds = undisturbed(case, whole)
        kills = killed(case, victim, seconds, max(1, given.kills // len(wanted)), draw)
        wrong = difference(whole, victim)
        done, failed = done + kills, failed + bool(wrong)
        print(f"{case.name}: {kills} kills, {'as undisturbed' if not wrong else 'DIFFERENT'}")
        for line in wrong[:20]:
            print(f"  {line}")
    print(f"{done} kills in all")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

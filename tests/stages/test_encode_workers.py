"""Encoding and checking in worker processes: the same bytes, and every way in which they can be stopped."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.data.sounds import phrase, save
from tests.data.test_workers import hearing_ctrl_c
from tests.families.step_audio.tiny_checkpoint import write_pairs
from tests.once import once
from tests.stages.deadly_encoder import DeadlyTask
from tunesmith.cli.main import main
from tunesmith.data.cache import EncodedStore
from tunesmith.data.fields import FieldSpec
from tunesmith.data.sample import PROMPT, PROMPT_TEXT, Sample, Variant, read_manifest, write_manifest
from tunesmith.data.workers import WorkerPool
from tunesmith.pocket.examples import make_examples
from tunesmith.recipe.load import load_recipe
from tunesmith.recipe.models import Recipe
from tunesmith.records.findings import CheckFindings
from tunesmith.run.console import Console
from tunesmith.run.context import RunContext
from tunesmith.run.folder import RunFolder
from tunesmith.stages import encode_clips
from tunesmith.stages.check import check
from tunesmith.stages.encode import encode
from tunesmith.stages.new import new_run

__all__ = ["hearing_ctrl_c"]

FAMILIES = ("pocket/musicgen", "pocket/step_audio")


@pytest.fixture(scope="session")
def songs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        make_examples(folder, 5)
        (folder / "train" / "broken.wav").write_bytes(b"RIFF\x00\x00no sound at all")

    return once(tmp_path_factory, "songs-for-workers", make)


def context_of(root: Path, name: str, model: str, workers: int | str, **data) -> RunContext:
    recipe = Recipe.model_validate(
        {"name": name, "model": {"path": model, "device": "cpu"}, "data": {"workers": workers, **data}}
    )
    return RunContext(RunFolder(root / name).create(), recipe, Console(quiet=True))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def speech(folder: Path) -> list[Sample]:
    """Pairs, of which some have other prompts, and one of these has been damaged since it was checked."""
    pairs = write_pairs(folder)
    lent = tuple(Variant({PROMPT: s.audios[PROMPT]}, {PROMPT_TEXT: s.texts[PROMPT_TEXT]}) for s in pairs[4:6])
    gone = Variant({PROMPT: replace(pairs[4].audios[PROMPT], path=str(folder / "gone.wav"))}, lent[0].texts)
    (folder / "gone.wav").write_bytes(b"RIFF and no sound")
    pairs[2] = replace(pairs[2], variants=(*lent, gone))
    pairs[5] = replace(pairs[5], audios={**pairs[5].audios, PROMPT: gone.audios[PROMPT]})
    return pairs


@pytest.mark.parametrize("model", FAMILIES)
def test_two_workers_write_the_same_bytes_as_none(tmp_path, songs, model):
    made = {}
    for workers in (1, 2):
        context = context_of(tmp_path, f"w{workers}", model, workers, folder=str(songs))
        if model.endswith("step_audio"):
            write_manifest(context.folder.manifest, speech(tmp_path / "pairs"))
        else:
            check(context)
        summary = encode(context)
        data = {name: b for name, b in content(context.folder.path / "data").items() if "cache" not in name}
        made[workers] = (summary, content(context.folder.cache), data)
    assert made[1] == made[2]
    assert sum(made[1][0]["encoded"].values()) > 0


def test_a_clip_that_kills_every_worker_is_put_aside_and_the_rest_is_encoded(tmp_path, songs, monkeypatch):
    context = context_of(tmp_path, "run", "pocket/musicgen", 2, folder=str(songs))
    check(context)
    names = [sample.id for sample in read_manifest(context.folder.manifest)]
    monkeypatch.setattr(encode_clips, "EncodingTask", DeadlyTask)
    encode(context)
    deadly = next(name for name in names if name.endswith("example-003.wav"))
    assert [s.id for s in read_manifest(context.folder.manifest)] == [name for name in names if name != deadly]
    found = CheckFindings.read(context.folder.findings).quarantined[deadly]
    assert str(found).startswith(f"{deadly}: the process that encoded it was ended from outside or crashed, 2 times")


@pytest.mark.parametrize(("wanted", "device", "count"), [("auto", "cpu", None), (2, "cpu", 2), (2, "cuda", None)])
def test_workers_are_for_cpus_and_for_what_is_worth_their_start(tmp_path, songs, monkeypatch, wanted, device, count):
    started: list[int] = []
    original = WorkerPool.__init__

    def counted(pool: WorkerPool[Any, Any], task: Any, number: int) -> None:
        started.append(number)
        original(pool, task, number)

    context = context_of(tmp_path, "run", "pocket/musicgen", wanted, folder=str(songs))
    check(context)
    started.clear()
    monkeypatch.setattr(WorkerPool, "__init__", counted)
    monkeypatch.setattr("tunesmith.run.device.pick_device", lambda name: device)
    kept = context.family.encoding.kept
    monkeypatch.setattr(context.family.encoding, "kept", lambda wanted: kept("cpu"))
    encode(context)
    assert started == ([count] if count else [])


def tunesmith(folder: Path, *words: str) -> subprocess.Popen[str]:
    """A command as a terminal starts it."""
    command = [sys.executable, "-m", "tunesmith", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def waited_for(condition: Callable[[], object], seconds: float = 90.0) -> bool:
    """Whether a condition comes true in good time."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return bool(condition())


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


@pytest.fixture(scope="session")
def checked_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with clips that take a while, a run over them that is checked, and one that is encoded too."""

    def make(folder: Path) -> None:
        for number in range(40):
            save(folder / "clips" / f"{number}.wav", phrase(number, 4.0, 16_000), 16_000)
        quiet = Console(quiet=True)
        new_run("r", folder / "clips", "pocket", overrides=["data.workers=2"], root=folder / "runs", console=quiet)
        assert main(["check", str(folder / "runs" / "r")]) == 0
        shutil.copytree(folder / "runs" / "r", folder / "runs" / "whole")
        assert main(["encode", str(folder / "runs" / "whole"), "data.workers=1"]) == 0

    return once(tmp_path_factory, "checked_run", make)


def encoded(run: Path) -> list[bytes]:
    """Everything that the cache holds of every clip."""
    context = RunContext(RunFolder(run), load_recipe(run / "recipe.yaml"), Console(quiet=True))
    encoding = context.family.encoding
    store = EncodedStore(context.folder.cache, encoding.fields())
    keys = [
        {spec.name: encoding.field_key(sample, spec.name) for spec in encoding.fields()}
        for sample in read_manifest(context.folder.manifest)
    ]
    rows = store.rows(keys)
    return [store.fields[name].read(int(row)).tobytes() for name, found in rows.items() for row in found]


def test_a_stopped_encoding_leaves_no_workers_keeps_what_is_done_and_goes_on(tmp_path, checked_run, hearing_ctrl_c):
    run = shutil.copytree(checked_run / "runs" / "r", tmp_path / "run")
    shard = RunFolder(run).cache / "codes" / "shard-00000.bin"
    with tunesmith(tmp_path, "encode", str(run)) as process:
        assert waited_for(lambda: shard.exists() and shard.stat().st_size > 0)
        workers = children_of(process)
        os.killpg(process.pid, signal.SIGINT)
        said = process.communicate(timeout=60)[1]
    assert len(workers) == 2 and waited_for(lambda: not any(worker.is_running() for worker in workers))
    assert process.returncode == 130 and "stopped." in said and "Traceback" not in said
    kept = len(EncodedStore(RunFolder(run).cache, [FieldSpec("codes", "uint16")]).fields["codes"])
    assert 0 < kept < 40
    assert main(["encode", str(run), "data.workers=1"]) == 0
    assert encoded(run) == encoded(checked_run / "runs" / "whole")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_check_leaves_no_workers(tmp_path, checked_run, hearing_ctrl_c, number):
    run = shutil.copytree(checked_run / "runs" / "r", tmp_path / "run")
    RunFolder(run).facts.unlink()
    RunFolder(run).stage("check").unlink()
    with tunesmith(tmp_path, "check", str(run)) as process:
        assert waited_for(lambda: len(children_of(process)) == 2)
        workers = children_of(process)
        os.killpg(process.pid, number)
        said = process.communicate(timeout=60)[1]
    assert waited_for(lambda: not any(worker.is_running() for worker in workers))
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert ("stopped." in said) == (number == signal.SIGINT) and "Traceback" not in said
    assert main(["check", str(run)]) == 0

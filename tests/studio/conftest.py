"""A pocket run with encoded clips, made once by the command line, and a folder of runs to work in."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.once import once
from tunesmith.studio.jobs.start import JobFolder, StudioJob
from tunesmith.studio.jobs.system import is_held
from tunesmith.studio.jobs.verbs import wanted

LONG = ("train.updates=4000", "train.valid_every=10", "train.save_every=5", "train.log_every=1")
"""More than any test waits for."""
QUIET = ("previews.every=0", "evaluate.forgetting_prompts=0")


def tunesmith(*words: str, cwd: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tunesmith", *words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def _make_pocket(home: Path) -> None:
    from tunesmith.pocket.examples import make_examples

    make_examples(home / "clips", 6)
    tunesmith("new", "pocket", "--from", str(home / "clips"), "--model", "pocket", cwd=home)
    tunesmith("encode", "pocket", *QUIET, cwd=home)


@pytest.fixture(scope="session")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the pocket MusicGen, ready to train."""
    return once(tmp_path_factory, "studio_pocket", _make_pocket) / "runs" / "pocket"


@pytest.fixture
def runs(tmp_path: Path, pocket: Path) -> Path:
    """A folder of runs with one run, ``one``."""
    shutil.copytree(pocket, tmp_path / "runs" / "one")
    return tmp_path / "runs"


@pytest.fixture
def jobs(runs: Path) -> Iterator[JobFolder]:
    """Jobs of that folder; what is left of them in the end is ended by its process id."""
    folder = JobFolder(runs)
    yield folder
    end_all(folder)


def end_all(folder: JobFolder) -> None:
    for job in JobFolder(folder.runs).jobs():
        if job.state in ("queued", "running", "stopping"):
            kill(job.record.supervisor, job.record.child)


def kill(*pids: int | None) -> None:
    """End processes of ours at once."""
    for pid in pids:
        try:
            os.kill(pid or 0, 9) if pid else None
        except ProcessLookupError:
            continue


def until(condition: Callable[[], object], seconds: float = 120, what: str = "") -> None:
    """Wait for something; the limit only ends a broken test."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, what or "it did not happen"
        time.sleep(0.1)


def train(folder: JobFolder, *overrides: str, run: str = "one") -> StudioJob:
    return folder.start(wanted(folder.runs, "train", run, [*QUIET, *(overrides or LONG)]))


def last_update(runs: Path, run: str = "one") -> int:
    """The last update that a run has written down."""
    import json

    path = runs / run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return max((json.loads(line)["update"] for line in lines if line.endswith("}")), default=0)


def is_training(runs: Path, run: str = "one") -> bool:
    return is_held(runs / run / ".lock")

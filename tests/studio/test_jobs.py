"""Jobs by real processes: the queue, stopping, and what is left when anything is killed at any moment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.studio.conftest import QUIET, end_all, is_training, kill, last_update, train, tunesmith, until
from tunesmith.errors import TunesmithError
from tunesmith.studio.jobs.record import JobFiles
from tunesmith.studio.jobs.start import PATIENCE, JobFolder
from tunesmith.studio.jobs.verbs import queue_of, wanted
from tunesmith.studio.jobs.words import end_of


def state(folder: JobFolder, job) -> str:
    """As another process would see it, which remembers nothing."""
    return JobFolder(folder.runs).job(job.record.id).state


@pytest.fixture(params=[False, True], ids=["inherited locks", "own locks"])
def folder(request, runs):
    """Jobs with the locks of this system, and with those of Windows."""
    made = JobFolder(runs, own_locks=request.param)
    yield made
    end_all(made)


def test_two_starts_the_second_waits_and_goes_on_when_the_first_was_stopped(folder, runs):
    first = train(folder)
    second = folder.start(wanted(runs, "report", "one", []))
    until(lambda: last_update(runs) >= 3)
    assert (state(folder, first), state(folder, second)) == ("running", "queued")
    folder.stop(first.record.id)
    assert state(folder, first) in ("stopping", "stopped")
    until(lambda: state(folder, second) in ("done", "failed"))
    over = folder.job(first.record.id)
    assert (over.state, over.record.code) == ("stopped", 143)
    assert "saved" in over.files.log.read_text()
    assert (runs / "one" / "resume.txt").exists()


def test_training_and_queue_go_on_without_their_supervisors(folder, runs):
    first, second = train(folder), folder.start(wanted(runs, "report", "one", []))
    until(lambda: last_update(runs) >= 1)
    kill(folder.job(first.record.id).record.supervisor)
    before = last_update(runs)
    until(lambda: last_update(runs) >= before + 3)
    assert (state(folder, first), state(folder, second)) == ("running", "queued")
    folder.stop(first.record.id)  # there is nobody but the command to see it
    until(lambda: state(folder, first) == "stopped")
    assert JobFolder(runs).job(first.record.id).record.code == 143
    until(lambda: state(folder, second) in ("done", "failed"))


def test_the_end_of_a_command_is_known_although_its_supervisor_is_gone(folder, runs):
    job = folder.start(wanted(runs, "check", "one", ["data.folder=/nowhere"]))
    until(lambda: folder.job(job.record.id).record.child)
    kill(folder.job(job.record.id).record.supervisor)
    until(lambda: state(folder, job) != "running")
    assert state(folder, job) in ("failed", "lost")  # lost where the command had not begun yet


def test_all_killed_is_lost_and_continuing_gives_the_bytes_of_a_training_that_was_never_killed(folder, runs, tmp_path):
    settings = ("train.updates=12", "train.save_every=4", "train.valid_every=4", "train.log_every=1")
    job = train(folder, *settings)
    until(lambda: last_update(runs) >= 6)
    record = folder.job(job.record.id).record
    kill(record.supervisor, record.child)
    until(lambda: state(folder, job) == "lost")
    assert "same command" in str(end_of(JobFolder(runs).job(job.record.id)))
    again = train(folder, *settings)
    until(lambda: state(folder, again) != "queued" and state(folder, again) != "running")
    assert state(folder, again) == "done", again.files.log.read_text()
    whole = tmp_path / "whole"
    whole.mkdir()
    subprocess.run(["cp", "-r", runs, whole / "runs"], check=True)
    for part in ("checkpoints", "best_model", "final_model", "trained_on"):
        subprocess.run(["rm", "-rf", whole / "runs" / "one" / part], check=True)
    for file in ("metrics.jsonl", "stages/train.json"):
        (whole / "runs" / "one" / file).unlink()
    tunesmith("train", "runs/one", *QUIET, *settings, cwd=whole)
    weights = "one/final_model/adapter_model.safetensors"
    assert (runs / weights).read_bytes() == (whole / "runs" / weights).read_bytes()


def test_a_queued_job_is_cancelled_and_one_over_is_not_stopped_again(folder, runs):
    first, second = train(folder), folder.start(wanted(runs, "report", "one", []))
    folder.stop(second.record.id)
    until(lambda: state(folder, second) == "cancelled")
    assert not JobFolder(runs).job(second.record.id).files.log.exists()
    with pytest.raises(TunesmithError, match="is over"):
        folder.stop(second.record.id)
    assert state(folder, first) in ("queued", "running")


def test_a_job_that_does_not_stop_may_be_ended_after_a_minute(folder, runs):
    job = train(folder)
    until(lambda: last_update(runs) >= 1)
    record = folder.job(job.record.id).record
    os.kill(record.child, 19)  # it hears nothing any more
    folder.stop(record.id)
    with pytest.raises(TunesmithError, match="may not be ended at once yet"):
        folder.stop(record.id, at_once=True)
    asked = job.files.stop.stat().st_mtime - PATIENCE
    os.utime(job.files.stop, (asked, asked))
    assert folder.job(record.id).may_end
    folder.stop(record.id, at_once=True)
    until(lambda: state(folder, job) == "stopped")
    assert not is_training(runs)


def test_a_command_whose_supervisor_died_before_it_began_does_nothing(tmp_path):
    files = JobFiles(tmp_path, "20260101-000000-000000-abcd")
    words = [sys.executable, "-m", "tunesmith.studio.jobs.child", str(tmp_path), files.id, "--", "demo"]
    assert subprocess.run(words, cwd=tmp_path, check=False).returncode == 75
    assert not (tmp_path / "runs").exists()


def test_a_supervisor_imports_nothing_heavy():
    code = "import sys, tunesmith.studio.jobs.supervisor, tunesmith.studio.jobs.child; print(*sys.modules)"
    names = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "pydantic", "fastapi", "uvicorn", "rich", "typer"} & set(names)


@pytest.mark.parametrize(
    ("verb", "run", "overrides", "flags"),
    [
        ("shell", "one", [], []),
        ("export", "one", [], []),
        ("train", "../one", [], []),
        ("train", "", [], []),
        ("train", ".studio", [], []),
        ("train", "two", [], []),
        ("train", "one", ["--force"], []),
        ("train", "one", ["; rm -rf /"], []),
        ("train", "one", ["train.updates"], []),
        ("train", "one", [], ["debug"]),
        ("report", "one", [], ["force"]),
        ("demo", "one", [], []),
        ("demo", "", ["train.updates=1"], []),
    ],
)
def test_what_is_not_on_the_list_is_refused(runs, verb, run, overrides, flags):
    with pytest.raises(TunesmithError):
        wanted(runs, verb, run, overrides, flags)


def test_a_job_is_its_words_and_never_a_line_for_a_shell(runs):
    name = "a b;$(touch x) <img src=x onerror=alert(1)>"
    (runs / "one").rename(runs / name)
    asked = wanted(runs, "train", name, ["train.updates=1"], ["fresh"])
    assert asked.argv == ("train", str(runs / name), "train.updates=1", "--fresh")


def test_the_queue_is_that_of_the_device(runs):
    one = runs / "one"
    assert queue_of(one, ["model.device=cuda"]) == "cuda:0"
    assert queue_of(one, ["model.device=cuda:1"]) == "cuda:1"
    assert queue_of(one, ["model.device=cpu"]) == "cpu"
    assert queue_of(one, ["model.device=../../x"]) == "cpu"
    assert wanted(runs, "report", "one", ["model.device=cuda"]).device == "cpu"


def test_a_damaged_record_hides_no_other_job(jobs, runs):
    job = jobs.start(wanted(runs, "report", "one", []))
    (jobs.folder / "20000101-000000-000000-dead.json").write_text("{")
    later = job.record.to_json() | {"format": 99}
    (jobs.folder / "20990101-000000-000000-beef.json").write_text(json.dumps(later))
    assert [one.record.id for one in jobs.jobs()] == [job.record.id]
    until(lambda: jobs.job(job.record.id).state in ("done", "failed"))


def test_ids_of_jobs_are_no_paths(jobs):
    for name in ("../x", "a/b", "", "..", "nothing"):
        with pytest.raises(TunesmithError):
            jobs.job(name)


def test_files_of_a_job_name_the_device_without_a_colon():
    assert JobFiles(Path("x/jobs"), "1").device_lock("cuda:0").name == "device-cuda-0.lock"

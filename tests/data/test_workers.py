"""Workers: order, deaths of workers and of their command, failures."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.data import worker_tasks
from tunesmith.data import machine, workers
from tunesmith.data.workers import WorkerDied, WorkerPool, worker_count
from tunesmith.errors import TunesmithError

ROOT = Path(__file__).parents[2]


def waited_for(condition, seconds: float = 60.0) -> bool:
    """Whether a condition comes true in good time."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)
    return bool(condition())


def test_results_come_in_order_from_several_processes_on_one_thread_each():
    with WorkerPool(worker_tasks.squares, 2) as pool:
        found = list(pool.run(range(40)))
        pids = pool.pids
    assert [job for job, _ in found] == list(range(40))
    assert [square for _, (square, _, _) in found] == [n * n for n in range(40)]
    assert {pid for _, (_, pid, _) in found} <= set(pids) and len(pids) == 2
    assert {threads for _, (_, _, threads) in found} == {"1"}
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_jobs_are_taken_up_a_few_at_a_time():
    taken = []

    def jobs() -> Iterator[int]:
        for number in range(60):
            taken.append(number)
            yield number

    with WorkerPool(worker_tasks.squares, 2) as pool:
        for done, _ in enumerate(pool.run(jobs())):
            assert len(taken) <= done + 2 * workers._OPEN + 1
    assert len(taken) == 60


def test_what_a_killed_worker_had_is_done_again(tmp_path):
    jobs = [(n, tmp_path / f"{n}.died" if n in (1, 4) else tmp_path) for n in range(8)]
    with WorkerPool(worker_tasks.dying, 2) as pool:
        assert [result for _, result in pool.run(jobs)] == list(range(8))
    assert {p.name for p in tmp_path.iterdir()} == {"1.died", "4.died"}


def test_a_job_that_kills_two_workers_is_given_up_and_the_rest_goes_on():
    with WorkerPool(worker_tasks.dying, 2) as pool:
        results = [result for _, result in pool.run([(n, None) for n in range(6)])]
    died = WorkerDied(-signal.SIGKILL)
    assert results == [0, died, 2, died, 4, died]


def test_what_a_job_raises_comes_at_its_turn():
    found = []
    with (
        WorkerPool(worker_tasks.failing, 2) as pool,
        pytest.raises(TunesmithError, match="three is too many") as raised,
    ):
        found.extend(result for _, result in pool.run(range(8)))
    assert found == [0, 1, 2] and raised.value.remedy == "Take two." and raised.value.where == "here"
    with WorkerPool(worker_tasks.failing, 2) as pool:
        results = pool.run([0, 1, 5, 2])
        assert [next(results), next(results)] == [(0, 0), (1, 1)]
        with pytest.raises(RuntimeError, match="OddError: 1 and 2"):
            next(results)


def test_what_opening_raises_and_workers_that_do_not_come_to_life():
    with WorkerPool(worker_tasks.refusing, 2) as pool, pytest.raises(TunesmithError, match="there are no weights"):
        next(pool.run([1, 2]))
    with WorkerPool(worker_tasks.stillborn, 2) as pool, pytest.raises(TunesmithError, match=r"exit code 3.*workers=1"):
        next(pool.run([1, 2]))


@pytest.fixture
def hearing_ctrl_c() -> Iterator[None]:
    """Tests that run in the background ignore Ctrl-C, and what they start would inherit that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


SIGNALS = [signal.SIGKILL, signal.SIGTERM, signal.SIGINT]
BROKEN_OFF = [*(("sleeping", number) for number in SIGNALS), ("sleeping_in_a_finalizer", signal.SIGKILL)]


@pytest.mark.parametrize(("task", "number"), BROKEN_OFF)
def test_no_worker_outlives_its_command(tmp_path, hearing_ctrl_c, task, number):
    stop_in(task, tmp_path, number)
    assert list(tmp_path.iterdir()) == []  # what was broken off has tidied up


def test_a_worker_that_is_stopped_at_its_opening_says_nothing(tmp_path):
    stop_in("sleeping_at_its_opening", tmp_path, signal.SIGKILL)


def stop_in(task: str, folder: Path, number: int) -> None:
    """Send a signal to a command whose workers are at a task, and see all of them end without a word."""
    script = "import sys; from tests.data.worker_tasks import sleep_in_workers; sleep_in_workers(*sys.argv[1:])"
    command = [sys.executable, "-c", script, task, str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True) as process:
        assert waited_for(lambda: len(list(folder.glob("*.busy"))) == 2)
        started = [child.pid for child in psutil.Process(process.pid).children()]
        os.killpg(process.pid, number)  # as a terminal does
        assert process.wait(60) != 0
        assert len(started) == 2 and waited_for(lambda: not any(psutil.pid_exists(pid) for pid in started))
        assert process.stderr is not None
        if number == signal.SIGKILL:  # else the command itself tells of its end
            assert process.stderr.read() == b""


def test_a_task_of_a_changed_path_is_found(tmp_path, monkeypatch):
    text = "from contextlib import contextmanager\n\n@contextmanager\ndef task():\n    yield lambda job: job + 1\n"
    (tmp_path / "odd_place_of_a_task.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import odd_place_of_a_task

    with WorkerPool(odd_place_of_a_task.task, 1) as pool:
        assert list(pool.run([1])) == [(1, 2)]


def test_how_many_are_worth_their_start(monkeypatch):
    monkeypatch.setattr(workers, "usable_cores", lambda: 8)
    monkeypatch.setattr(workers, "free_memory", lambda: 10e9)
    many = {"clips": 1000, "seconds": 1000.0, "start_seconds": 2.0, "memory_bytes": 0.5e9}
    assert worker_count("auto", **many) == 8
    assert worker_count("auto", **{**many, "memory_bytes": 3e9}) == 2
    assert worker_count("auto", **{**many, "memory_bytes": 6e9}) == 1
    assert worker_count("auto", **{**many, "seconds": 2.0}) == 1
    assert worker_count("auto", **{**many, "clips": 3}) == 3
    assert worker_count("auto", **many, threads=7.0) == 1
    assert worker_count(12, **many) == 12
    assert worker_count(12, **{**many, "clips": 3, "seconds": 0.0}) == 3
    assert worker_count(5, **{**many, "clips": 0}) == 1


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_a_control_group_bounds_cores_and_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(machine, "_PROC", tmp_path / "proc")
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(16)), raising=False)
    assert machine.usable_cores() == 16 and machine.free_memory() == float("inf")
    write(tmp_path / "proc", meminfo="MemTotal: 9000 kB\nMemAvailable: 5000 kB\n")
    assert machine.free_memory() == 5000 * 1024
    write(tmp_path / "groups", cpu_dot_max="max 100000\n")
    assert machine.usable_cores() == 16
    write(tmp_path / "groups", cpu_dot_max="250000 100000\n")
    assert machine.usable_cores() == 2
    write(tmp_path / "groups", memory_dot_max="3000000", memory_dot_current="2000000", memory_dot_stat="anon 1\n")
    assert machine.free_memory() == 1_000_000
    write(tmp_path / "groups", memory_dot_stat="anon 1\ninactive_file 500000\n")
    assert machine.free_memory() == 1_500_000
    write(tmp_path / "groups", memory_dot_max="max")
    assert machine.free_memory() == 5000 * 1024

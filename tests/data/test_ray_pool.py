"""Jobs on a Ray cluster of two machines, both played by this one: the same results, and a machine that dies."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.data import ray_tasks, worker_tasks
from tests.stages.test_encode_workers import context_of, songs, speech
from tests.stages.test_shards import checked, made, spoken
from tunesmith.cli.main import main
from tunesmith.data import ray_pool
from tunesmith.data.ray_pool import RayCluster, RayPool, ray_cluster
from tunesmith.data.sample import write_manifest
from tunesmith.data.workers import WorkerDied
from tunesmith.errors import TunesmithError
from tunesmith.stages.pipeline import run_stages

ray = pytest.importorskip("ray", reason="Ray is not installed (the extra `cluster`)")

__all__ = ["songs"]


@pytest.fixture(scope="module")
def machines() -> Iterator[Any]:
    """Two machines, of one core and of two; commands of this process find them."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))  # where tasks of the tests are
        patch.setenv("RAY_worker_niceness", "0")
        try:
            found = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        except Exception as error:  # of many kinds, where ports or shared memory are not to be had
            pytest.skip(f"Ray starts no cluster here ({error})")
        found.add_node(num_cpus=2)
        patch.setenv("RAY_ADDRESS", found.address)
        with ray_cluster():
            yield found
        found.shutdown()


def killing_a_machine_at(machines: Any, turn: int) -> Callable[[int], None]:
    """Adds a machine, which dies at a turn."""
    extra = machines.add_node(num_cpus=2)
    machines.wait_for_nodes()

    def at(number: int) -> None:
        if number == turn:
            machines.remove_node(extra, allow_graceful=False)

    return at


def test_jobs_are_answered_in_order_and_a_task_is_opened_once_by_each_worker(machines):
    with ray_cluster() as found:
        assert (found.workers(100, 1e6), found.workers(2, 1e6), found.workers(100, 1e15)) == (3, 2, 1)
        with found.pool(ray_tasks.opened, 3) as pool:
            results = list(pool.run(range(60)))
    assert [job for job, _ in results] == list(range(60))
    assert [value[0] for _, value in results] == [job * job for job in range(60)]
    assert len({value[1] for _, value in results}) == 3 and os.getpid() not in {value[1] for _, value in results}
    assert {value[2:] for _, value in results} == {("1", 1)}


def test_the_jobs_of_a_machine_that_dies_are_done_elsewhere(machines):
    at = killing_a_machine_at(machines, 4)
    found: list[tuple[int, str]] = []
    with RayCluster().pool(ray_tasks.slow_places, 5) as pool:
        for job, value in pool.run(range(40)):
            found.append(value)
            at(job)
    assert [number for number, _ in found] == list(range(40)), "in order, each once, none given up"
    assert len({place for _, place in found[-10:]}) <= 2 < 1 + len({place for _, place in found})


def test_what_a_killed_worker_had_is_done_again(machines, tmp_path):
    jobs = [(n, tmp_path / f"{n}.died" if n in (1, 4) else tmp_path) for n in range(8)]
    with RayCluster().pool(worker_tasks.dying, 2) as pool:
        assert [result for _, result in pool.run(jobs)] == list(range(8))
    assert {path.name for path in tmp_path.iterdir()} == {"1.died", "4.died"}


def test_a_job_that_kills_two_workers_is_given_up_and_the_rest_goes_on(machines):
    with RayCluster().pool(worker_tasks.dying, 2) as pool:
        results = [result for _, result in pool.run([(n, None) for n in range(4)])]
    assert results == [0, WorkerDied(1), 2, WorkerDied(1)]


def test_what_a_job_raises_comes_at_its_turn_and_what_opening_raises_at_once(machines):
    found = []
    with RayCluster().pool(worker_tasks.failing, 2) as pool, pytest.raises(TunesmithError, match="three is too many"):
        found.extend(result for _, result in pool.run(range(8)))
    assert found == [0, 1, 2]
    with RayCluster().pool(worker_tasks.refusing, 2) as pool, pytest.raises(TunesmithError, match="no weights"):
        next(pool.run([1, 2]))
    with RayCluster().pool(worker_tasks.stillborn, 2) as pool, pytest.raises(TunesmithError, match="end before they"):
        next(pool.run([1, 2]))


def test_another_version_on_a_machine_is_said(machines, monkeypatch):
    monkeypatch.setattr(ray_pool, "__version__", "0.0.1")
    with RayCluster().pool(ray_tasks.opened, 1) as pool, pytest.raises(TunesmithError, match=r"and this one 0\.0\.1"):
        next(pool.run([1]))


def test_a_cluster_without_room_is_said(machines, monkeypatch):
    monkeypatch.setattr(ray_pool, "PATIENCE_S", 2.0)
    with RayPool(ray_tasks.opened, 1, gpu=True) as pool, pytest.raises(TunesmithError, match="has had room"):
        next(pool.run([1]))
    with pytest.raises(TunesmithError, match="has a GPU"):
        RayCluster().for_device("cuda")
    assert RayCluster().for_device("auto") == (RayCluster(gpu=False), "cpu")


def test_speech_encoded_on_the_cluster_is_the_same_bytes(machines, tmp_path):
    runs = {}
    for name in ("here", "ray"):
        context = context_of(tmp_path, name, "pocket/step_audio", 1, folder="pairs")
        write_manifest(context.folder.manifest, speech(tmp_path / "pairs"))
        checked(context)
        run_stages(context.on_cluster(RayCluster()) if name == "ray" else context, ["encode"])
        runs[name] = made(context)
    assert runs["ray"] == runs["here"]


@pytest.mark.slow  # on a busy machine Ray may take a living one for dead as well
def test_encoding_is_the_same_bytes_although_a_machine_dies(machines, tmp_path, songs, monkeypatch):
    whole = context_of(tmp_path, "here", "pocket/musicgen", 1, folder=str(songs))
    run_stages(whole, ["encode"])
    context = context_of(tmp_path, "ray", "pocket/musicgen", 1, folder=str(songs))
    at, run, turn = killing_a_machine_at(machines, 1), RayPool.run, iter(range(1000))

    def killing(self, jobs):
        for result in run(self, jobs):
            at(next(turn))
            yield result

    monkeypatch.setattr(RayPool, "run", killing)
    run_stages(context.on_cluster(RayCluster()), ["encode"])
    assert made(context) == made(whole) and next(turn) > 2


def test_spoken_clips_are_heard_on_the_cluster(machines, tmp_path):
    folder, runs = spoken(tmp_path / "spoken"), {}
    for name in ("here", "ray"):
        context = context_of(tmp_path, name, "pocket/step_audio", 1, folder=str(folder))
        run_stages(context.on_cluster(RayCluster()) if name == "ray" else context, ["check"])
        runs[name] = made(context)
    assert runs["ray"] == runs["here"] and runs["ray"]["data/spoken.jsonl"]


def test_a_command_takes_the_cluster(machines, tmp_path, songs, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    text = f"name: run\nmodel: {{path: pocket, device: cpu}}\ndata: {{folder: '{songs}'}}\n"
    (tmp_path / "recipe.yaml").write_text(text)
    started = []
    start = RayPool._start
    monkeypatch.setattr(RayPool, "_start", lambda self: (started.append(1), start(self)))
    assert main(["check", "recipe.yaml", "--on", "ray"]) in (0, 1) and len(started) > 1
    started.clear()
    assert main(["encode", "run", "--on", "ray"]) == 0 and len(started) > 1
    assert main(["check", str(songs), "--on", "ray"]) == 1
    assert main(["encode", "run", "--on", "ray", "--shard", "1/2"]) == 1
    said = capsys.readouterr().err
    assert "--on is for the check of a run" in said and "two ways to the same" in said


def test_without_ray_or_a_cluster_it_is_said(machines, monkeypatch):
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(TunesmithError, match="the cluster cannot be reached") as caught, ray_cluster():
            pass
    assert caught.value.remedy and "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(TunesmithError, match=r"Ray is not installed here.*tunesmith\[cluster\]"), ray_cluster():
        pass

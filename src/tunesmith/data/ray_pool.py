"""Workers on the machines of a Ray cluster: the same jobs, results and order as those of this machine.

An actor takes the place of a worker process: it opens the task once and then does jobs. It never comes to life again by
itself, nor does a job: what is lost with a machine is handed out anew by the pool, as for processes.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from queue import Empty
from typing import Any

from tunesmith import __version__
from tunesmith.data.worker_process import FAILED, READY, answer, pickled
from tunesmith.data.workers import ONE_THREAD, Task, Worker, WorkerCluster, WorkerPool
from tunesmith.errors import TunesmithError
from tunesmith.texts import Message, msg

PATIENCE_S = 120.0
"""So long may every machine of a cluster be busy before a command gives up that waits for one."""
_TICK_S, _CONNECT_S = 1.0, 10.0
_SHARE_OF_MEMORY = 0.8
_LOST = 1
"""Stands for the exit code of an actor, which Ray does not tell."""


class RayWorker:
    """What runs as an actor."""

    def __init__(self, task: bytes, version: str) -> None:
        self._task, self._version, self._stack = task, version, ExitStack()

    def open(self) -> bytes:
        """Open the task; what is answered is read by the pool."""
        try:
            if self._version != __version__:
                raise _other_version(self._version, __version__)
            self._work = self._stack.enter_context(pickle.loads(self._task)())
        except Exception as error:
            return pickled(FAILED, error)
        return pickled(READY, None)

    def do(self, job: bytes) -> bytes:
        """Do a job."""
        return answer(self._work, pickle.loads(job))


@dataclass
class _Actor:
    handle: Any
    pending: deque[Future[bytes]] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_lost: bool = False


class RayPool(WorkerPool[Any, Any]):
    """Workers that are actors of a cluster; see :class:`~tunesmith.data.workers.WorkerPool`.

    Args:
        task: What every worker opens; all machines have the code of it.
        count: How many actors are asked for. Those that find no place wait for one, and the others do the work.
        gpu: Whether each takes a GPU.

    Attributes:
        AT_ONCE: One: the answer to a job may be lost when the next one ends its actor, and would count as its death.
    """

    AT_ONCE = 1

    def __init__(self, task: Task[Any, Any], count: int, *, gpu: bool) -> None:
        super().__init__(task, count)
        self._gpu = gpu

    def _start(self) -> None:
        options = {"num_cpus": 1, "num_gpus": int(self._gpu), "max_restarts": 0, "max_task_retries": 0}
        kind = (
            _ray()
            .remote(RayWorker)
            .options(**options, scheduling_strategy="SPREAD", runtime_env={"env_vars": ONE_THREAD})
        )
        actor = _Actor(kind.remote(self._task, __version__))
        worker = Worker(actor)
        self._workers.append(worker)
        self._await(worker, actor.handle.open.remote())

    def _send(self, worker: Worker, content: bytes) -> None:
        self._await(worker, worker.process.handle.do.remote(content))

    def _await(self, worker: Worker, reference: Any) -> None:
        """Have an answer put where the pool reads it, after those that were asked for before."""
        actor: _Actor = worker.process
        future: Future[bytes] = reference.future()
        with actor.lock:
            actor.pending.append(future)
        future.add_done_callback(lambda _: self._hand_on(worker))

    def _hand_on(self, worker: Worker) -> None:
        actor: _Actor = worker.process
        with actor.lock:
            while actor.pending and actor.pending[0].done() and not actor.is_lost:
                future = actor.pending.popleft()
                actor.is_lost = future.exception() is not None  # the actor, its machine, or its answer on the way here
                self._answers.put((worker, None if actor.is_lost else future.result()))

    def _can_take(self, worker: Worker) -> bool:
        """Not before it is ready: one that waits for a place would keep its jobs from the others."""
        return worker.ready

    def _next_answer(self) -> tuple[Worker, bytes | None]:
        until = time.monotonic() + PATIENCE_S
        while True:
            with suppress(Empty):
                return self._answers.get(timeout=_TICK_S)
            if any(worker.ready for worker in self._workers):
                until = time.monotonic() + PATIENCE_S
            elif time.monotonic() > until:
                raise TunesmithError(
                    msg("no machine of the cluster has had room for a worker in {seconds:.0f} s", seconds=PATIENCE_S),
                    where="--on ray",
                    remedy=msg("See with `ray status` what it has, or work without --on ray."),
                )

    def _ended(self, worker: Worker) -> int:
        _kill(worker)
        return _LOST

    def _none_begins(self, code: int) -> TunesmithError:
        return TunesmithError(
            msg("the cluster's workers end before they begin"),
            where="--on ray",
            remedy=msg("Every machine needs this version of Tunesmith, and memory for what it loads; see Ray's logs."),
        )

    def _end(self) -> None:
        for worker in self._workers:
            _kill(worker)
        self._workers.clear()


@dataclass(frozen=True)
class RayCluster(WorkerCluster):
    """A cluster that this process is connected to.

    Attributes:
        gpu: Whether its workers take a GPU each.
    """

    gpu: bool = False

    def workers(self, jobs: int, memory_bytes: float) -> int:
        """One for each processor core, or GPU, fewer where a machine has too little memory for them."""
        places = 0
        for node in _ray().nodes():
            has = node["Resources"] if node["Alive"] else {}
            fitting = int(_SHARE_OF_MEMORY * has.get("memory", 0.0) // max(1.0, memory_bytes))
            places += min(int(has.get("GPU" if self.gpu else "CPU", 0.0)), fitting)
        return max(1, min(places, jobs))

    def pool(self, task: Task[Any, Any], count: int) -> RayPool:
        """Actors."""
        return RayPool(task, count, gpu=self.gpu)

    def for_device(self, wanted: str) -> tuple[RayCluster, str]:
        """The cluster as it serves ``model.device``, and the name of that device on its machines.

        Raises:
            TunesmithError: when GPUs are asked for and there are none.
        """
        there = _ray().cluster_resources().get("GPU", 0.0) >= 1
        if wanted.startswith("cuda") and not there:
            raise TunesmithError(
                msg("no machine of the cluster has a GPU"), where="model.device", remedy=msg("Use `auto` or `cpu`.")
            )
        gpu = there and (wanted == "auto" or wanted.startswith("cuda"))
        return RayCluster(gpu), "cuda" if gpu else "cpu"


@contextmanager
def ray_cluster() -> Iterator[RayCluster]:
    """Be connected to the cluster that ``RAY_ADDRESS`` names, or to the one that runs on this machine.

    Raises:
        TunesmithError: when Ray is not installed, or there is no such cluster.
    """
    ray = _ray()
    if ray.is_initialized():
        yield RayCluster()
        return
    address = os.environ.get("RAY_ADDRESS") or "auto"
    try:
        _try_port(address)
        with _quietly():
            ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # of many kinds
        reason = str(error).strip().partition("\n")[0].rstrip(".")[:200] or type(error).__name__
        raise TunesmithError(
            msg("the cluster cannot be reached ({reason})", reason=Message.fixed(reason)),
            where=address,
            remedy=msg("Start one with `ray start --head`, or name it with RAY_ADDRESS=host:6379."),
        ) from error
    try:
        yield RayCluster()
    finally:
        ray.shutdown()


def _ray() -> Any:
    try:
        return import_module("ray")
    except ImportError as error:
        raise TunesmithError(
            msg("Ray is not installed here"), where="--on ray", remedy=msg('Run: pip install "tunesmith[cluster]".')
        ) from error


def _try_port(address: str) -> None:
    """Ray tries for minutes before it says that nobody is there."""
    host, _, port = address.rpartition(":")
    if host and "/" not in host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()


@contextmanager
def _quietly() -> Iterator[None]:
    """Ray's core prints on its way to give up; what matters of that is in what it raises."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _kill(worker: Worker) -> None:
    with suppress(Exception):  # it is gone, or the connection is
        _ray().kill(worker.process.handle)


def _other_version(here: str, there: str) -> TunesmithError:
    return TunesmithError(
        msg("a machine of the cluster has version {there} of Tunesmith, and this one {here}", there=there, here=here),
        where="--on ray",
        remedy=msg("Install the same version on all of them."),
    )

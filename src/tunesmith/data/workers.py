"""Worker processes for what is done to each clip by itself: results in order, and no process that outlives another.

Not a pool of a library's: ``concurrent.futures`` gives up all work when one worker is killed, and loky (of joblib)
too, starts a resource tracker beside the workers and leaves them for seconds; multiprocessing imports the caller's main
module again, which a script without ``if __name__ == "__main__"`` does not survive. What is needed here is short.

A worker is a fresh interpreter, never a fork, which would inherit locks of threads that torch or a codec runs. It
talks through its standard input and output, and ends when the former is closed, however its command ended. It lies in a
process group of its own, so that Ctrl-C reaches the command alone, which then ends its workers.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, Generic, Literal, TypeVar

from tunesmith.data.machine import free_memory, usable_cores
from tunesmith.data.worker_process import DONE, FAILED, READY, receive, send
from tunesmith.errors import TunesmithError
from tunesmith.texts import msg

Job = TypeVar("Job")
Result = TypeVar("Result")
Task = Callable[[], AbstractContextManager[Callable[[Job], Result]]]
"""What a worker opens once, and what then does each job; it can be pickled, as jobs and results can."""


class WorkerCluster(ABC):
    """Other machines that do jobs, each with what a worker process needs."""

    @abstractmethod
    def workers(self, jobs: int, memory_bytes: float) -> int:
        """How many workers are worth asking for, at least 1.

        Args:
            jobs: How many jobs there are.
            memory_bytes: What each worker takes.
        """

    @abstractmethod
    def for_device(self, wanted: str) -> tuple[WorkerCluster, str]:
        """The same machines as they serve a recipe's ``model.device``, and the name of that device on each of them.

        Raises:
            TunesmithError: when none has it.
        """

    @abstractmethod
    def pool(self, task: Task[Any, Any], count: int) -> WorkerPool[Any, Any]:
        """Workers on its machines."""


WorkersWanted = Literal["auto"] | int | WorkerCluster
"""The recipe's ``data.workers``, or other machines, which then do everything."""

TRIES = 2
"""A job that has cost so many workers their life is given up."""
_OPEN = 4
"""Jobs per worker that are not handed on yet."""
_SHARE_OF_MEMORY = 0.8
_WORTH = 0.85
"""Workers are started where they take at most this share of the time."""
_END_S = 4.0
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""The environment in which every worker computes on one thread."""
_START = "import sys; sys.path[:] = sys.argv[1:]; from tunesmith.data.worker_process import main; main()"


def worker_count(
    wanted: WorkersWanted, clips: int, seconds: float, start_seconds: float, memory_bytes: float, threads: float = 1.0
) -> int:
    """How many workers to start; 1 stands for none: the work is done in this process.

    Args:
        wanted: The recipe's ``data.workers``; a number is done as told. Other machines always do it.
        clips: How many there are to do.
        seconds: Processor seconds that they will take.
        start_seconds: What each worker takes before it begins.
        memory_bytes: What each worker takes.
        threads: How many times as fast this process is by its own threads.
    """
    if isinstance(wanted, WorkerCluster):
        return wanted.workers(clips, memory_bytes)
    if wanted != "auto":
        return max(1, min(wanted, clips))
    most = min(usable_cores(), clips, int(min(2**62, _SHARE_OF_MEMORY * free_memory()) // max(1.0, memory_bytes)))
    if most < 2 or start_seconds + seconds / most > _WORTH * seconds / threads:
        return 1
    return most


def works_here(wanted: WorkersWanted, count: int) -> bool:
    """Whether this process does the work by itself."""
    return count == 1 and not isinstance(wanted, WorkerCluster)


def open_pool(wanted: WorkersWanted, task: Task[Job, Result], count: int) -> WorkerPool[Job, Result]:
    """So many workers, of this machine or of others."""
    return wanted.pool(task, count) if isinstance(wanted, WorkerCluster) else WorkerPool(task, count)


@dataclass(frozen=True)
class WorkerDied:
    """Stands for the result of a job that has cost :data:`TRIES` workers their life.

    Attributes:
        code: Exit code of the last one; minus the number of the signal that killed it.
    """

    code: int


@dataclass
class Worker:
    """One worker of a pool.

    Attributes:
        process: What runs it.
        sent: Numbers of the jobs that lie with it.
        ready: Whether it has opened the task.
    """

    process: Any
    sent: deque[int] = field(default_factory=deque)
    ready: bool = False


@dataclass
class _Open(Generic[Job]):
    """A job that has been taken up and not handed on."""

    job: Job
    deaths: int = 0
    answer: tuple[str, Any] | None = None


class WorkerPool(Generic[Job, Result]):
    """Workers that do jobs at once; a context manager, at whose end none of them is left.

    Args:
        task: What every worker opens.
        count: How many workers.

    Attributes:
        AT_ONCE: Jobs that lie with a worker at once, so that it never waits.
    """

    AT_ONCE = 2

    def __init__(self, task: Task[Job, Result], count: int) -> None:
        self._task, self._count = pickle.dumps(task), count
        self._workers: list[Worker] = []
        self._answers: SimpleQueue[tuple[Worker, bytes | None]] = SimpleQueue()
        self._open: dict[int, _Open[Job]] = {}
        self._waiting: deque[int] = deque()

    def __enter__(self) -> WorkerPool[Job, Result]:
        try:
            for _ in range(self._count):
                self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()

    @property
    def pids(self) -> list[int]:
        """Of the workers that live."""
        return [worker.process.pid for worker in self._workers]

    def run(self, jobs: Iterable[Job]) -> Generator[tuple[Job, Result | WorkerDied]]:
        """Every job with its result, in the order of the jobs.

        Jobs are taken up a few at a time, so that neither they nor results pile up.

        Raises:
            TunesmithError: when no worker comes to life.
            Exception: what a job raised, at its turn; at once what opening the task raised.
        """
        left, taken, turn = iter(jobs), 0, 0
        while True:
            while len(self._open) < _OPEN * self._count:
                try:
                    self._open[taken] = _Open(next(left))
                except StopIteration:
                    break
                self._waiting.append(taken)
                taken += 1
            if not self._open:
                return
            self._hand_out()
            self._take_in(*self._next_answer())
            while turn in self._open and (answer := self._open[turn].answer) is not None:
                kind, value = answer
                if kind == FAILED:
                    raise value
                yield self._open.pop(turn).job, value
                turn += 1

    def _next_answer(self) -> tuple[Worker, bytes | None]:
        return self._answers.get()

    def _start(self) -> None:
        own_group: dict[str, Any] = {"process_group": 0} if os.name == "posix" else {}
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            **own_group,
        )
        worker = Worker(process)
        self._workers.append(worker)
        threading.Thread(target=self._listen, args=(worker,), daemon=True).start()
        self._send(worker, self._task)

    def _listen(self, worker: Worker) -> None:
        stream = worker.process.stdout
        assert stream is not None
        with stream:
            while (message := receive(stream)) is not None:
                self._answers.put((worker, message))
        self._answers.put((worker, None))

    def _send(self, worker: Worker, content: bytes) -> None:
        assert worker.process.stdin is not None
        with contextlib.suppress(OSError):  # one that has just died; that is heard of in its turn
            send(worker.process.stdin, content)

    def _hand_out(self) -> None:
        """Give waiting jobs to the workers that have fewest."""
        while self._waiting and (able := [worker for worker in self._workers if self._can_take(worker)]):
            worker = min(able, key=lambda each: len(each.sent))
            if len(worker.sent) >= self.AT_ONCE:
                return
            number = self._waiting.popleft()
            worker.sent.append(number)
            self._send(worker, pickle.dumps(self._open[number].job))

    def _can_take(self, worker: Worker) -> bool:
        """Whether jobs may be given to a worker: to one of this machine at once, as it will soon be ready."""
        return True

    def _take_in(self, worker: Worker, message: bytes | None) -> None:
        if message is None:
            self._bury(worker)
            return
        kind, value = pickle.loads(message)
        if kind == READY:
            worker.ready = True
        elif kind == FAILED and not worker.ready:
            raise value
        else:
            self._open[worker.sent.popleft()].answer = (kind, value)

    def _bury(self, worker: Worker) -> None:
        """Let what a dead worker had be done again; what it was at counts as having killed it."""
        code = self._ended(worker)
        self._workers.remove(worker)
        if worker.ready and worker.sent:
            number = worker.sent[0]
            self._open[number].deaths += 1
            if self._open[number].deaths >= TRIES:
                self._open[number].answer = (DONE, WorkerDied(code))
                worker.sent.popleft()
        self._waiting.extendleft(reversed(worker.sent))
        if worker.ready and self._waiting:
            self._start()
        elif not self._workers and self._waiting:
            raise self._none_begins(code)

    def _ended(self, worker: Worker) -> int:
        """Tidy up after a worker that has ended, and say with which exit code it did."""
        code: int = worker.process.wait()
        _close(worker)
        return code

    def _none_begins(self, code: int) -> TunesmithError:
        return TunesmithError(
            msg("worker processes end before they begin (exit code {code})", code=code),
            where="data.workers",
            remedy=msg("Set data.workers=1, which works without them; often there is too little memory for more."),
        )

    def _end(self) -> None:
        for worker in self._workers:
            _close(worker)
        until = time.monotonic() + _END_S
        for worker in self._workers:
            try:
                worker.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._workers.clear()


def _close(worker: Worker) -> None:
    assert worker.process.stdin is not None
    with contextlib.suppress(OSError):
        worker.process.stdin.close()

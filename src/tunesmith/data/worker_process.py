"""What runs in a worker process: it is given a task, then one job after the other, and answers each.

Messages are pickled, each after its length. They only ever come from the command that started this process.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from types import FrameType
from typing import IO, Any

LENGTH = struct.Struct(">Q")
READY, DONE, FAILED = "ready", "done", "failed"
"""What an answer is: the task can begin, a job's result, or the exception that ended a job or the task."""
_PATIENCE_S = 2.0
"""A job that is broken off may take so long to remove what it has written."""
_AGAIN_S = 0.02


def send(stream: IO[bytes], content: bytes) -> None:
    """Write one message."""
    stream.write(LENGTH.pack(len(content)) + content)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one message; ``None`` where the other side has gone, in the midst of one too."""
    try:
        head = stream.read(LENGTH.size)
        if len(head) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack(head)
        content = stream.read(length)
    except (OSError, ValueError):
        return None
    return content if len(content) == length else None


def pickled(kind: str, value: Any) -> bytes:
    """An answer; of what cannot be pickled, or not be read again, its text."""
    try:
        answer = pickle.dumps((kind, value))
        if kind == FAILED:  # an exception whose arguments are not those of its class fails only then
            pickle.loads(answer)
        return answer
    except Exception as error:
        return pickle.dumps((FAILED, RuntimeError(f"{type(value).__name__}: {value} ({error})")))


def main() -> None:
    """Serve until the other side goes."""
    signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))  # nothing is written yet
    sys.unraisablehook = _unraisable
    jobs, answers = _streams()
    inbox: SimpleQueue[bytes | None] = SimpleQueue()
    threading.Thread(target=_read, args=(jobs, inbox), daemon=True).start()
    try:
        _serve(inbox, answers)
    finally:
        os._exit(0)  # nothing is left to be tidied up, and an interpreter with torch takes its time to end


def _serve(inbox: SimpleQueue[bytes | None], answers: IO[bytes]) -> None:
    try:
        task = pickle.loads(inbox.get() or b"")
        with task() as work:
            signal.signal(signal.SIGTERM, _stop)
            send(answers, pickled(READY, None))
            while (message := inbox.get()) is not None:
                send(answers, answer(work, pickle.loads(message)))
    except (OSError, EOFError):
        return
    except Exception as error:
        send(answers, pickled(FAILED, error))


def answer(work: Callable[[Any], Any], job: Any) -> bytes:
    """Do a job; its result or what it raised, pickled."""
    try:
        return pickled(DONE, work(job))
    except Exception as error:
        return pickled(FAILED, error)


def _streams() -> tuple[IO[bytes], IO[bytes]]:
    """Messages in and out; what others read from standard input or print there must not mix with them."""
    jobs, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    return jobs, answers


def _read(jobs: IO[bytes], inbox: SimpleQueue[bytes | None]) -> None:
    """Hand messages on, and end the process when the other side has gone, whatever it is computing.

    The kernel closes the other side's pipe however it ends, by SIGKILL too, so that no worker outlives its command.
    """
    while (message := receive(jobs)) is not None:
        inbox.put(message)
    inbox.put(None)  # for one that waits for work; the signal is for one that works
    _signal_main_thread()
    time.sleep(_PATIENCE_S)
    os._exit(1)


def _stop(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _unraisable(lost: sys.UnraisableHookArgs) -> None:
    """Ask again where the request to stop fell into a finalizer, out of which Python lets no exception come.

    Anything else that is lost there is told of as ever.
    """
    if issubclass(lost.exc_type, SystemExit):
        threading.Timer(_AGAIN_S, _signal_main_thread).start()
    else:
        sys.__unraisablehook__(lost)


def _signal_main_thread() -> None:
    if hasattr(signal, "pthread_kill") and (main := threading.main_thread().ident) is not None:
        signal.pthread_kill(main, signal.SIGTERM)

"""A command line in a process of its own, forked from one that has the libraries loaded, with limits."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import wait
from pathlib import Path

import psutil

from bad_input_cases.case import Command

BYTES_LIMIT = 4 << 30
"""Of memory and of a single file; what asks for more has not looked at its input."""
PROGRAMS = {
    "tunesmith": "tunesmith.cli.main:main",
    "musicgen/prepare_data.py": "tunesmith.doorways.musicgen.prepare_data:main",
    "musicgen/train_lora.py": "tunesmith.doorways.musicgen.train_lora:main",
    "musicgen/inference_lora.py": "tunesmith.doorways.musicgen.inference_lora:main",
    "musicgen/evaluate.py": "tunesmith.doorways.musicgen.evaluate:main",
    "musicgen/test_dataset.py": "tunesmith.doorways.musicgen.checks:dataset_main",
    "musicgen/test_model.py": "tunesmith.doorways.musicgen.checks:model_main",
    "ace_step/convert2hf_dataset.py": "tunesmith.doorways.ace_step.convert2hf_dataset:main",
    "ace_step/trainer.py": "tunesmith.doorways.ace_step.trainer:main",
    "step_audio_editx/finetune_demo.py": "tunesmith.doorways.step_audio.finetune_demo:main",
}
"""Programs and the function, ``module:name``, that each calls."""
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "error",  # as Tunesmith sets it, which here would be after the libraries are loaded
    "TUNESMITH_LANGUAGE": "en",
    "TUNESMITH_EARS": "ears",  # in the folder of a case, and never those of this machine
}


_REAPING = threading.Lock()
"""Held where exit codes are collected: starting a process collects those of all others, and each can be read once."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code (negative for a signal), why it was ended, what it printed, its seconds."""

    code: int
    ended: str
    out: str
    err: str
    seconds: float


def forkserver(*, preload: bool = True) -> multiprocessing.context.ForkServerContext:
    """The context whose processes begin with everything heavy imported, which takes a while at first."""
    os.environ.update(ENVIRONMENT)
    here = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bad_input_cases.preload"] if preload else [])
    return context


def run_command(
    context: multiprocessing.context.ForkServerContext, command: Command, folder: Path, logs: Path, limit: float
) -> Outcome:
    """Run ``command`` in ``folder``.

    Args:
        context: Of :func:`forkserver`.
        command: What to run.
        folder: The working directory.
        logs: An empty folder outside of it, for what the command prints, and its home.
        limit: Processor seconds; four times as many on the clock are a hang too.
    """
    process = context.Process(target=_child, args=(command, str(folder), str(logs)))
    began = time.monotonic()
    with _REAPING:
        process.start()
    ended = _watch(process, began, limit)
    if ended:
        process.kill()
    wait([process.sentinel])
    with _REAPING:
        process.join()
    _end_group(int(process.pid or 0))
    text = {name: (logs / name).read_text("utf-8", "replace") if (logs / name).exists() else "" for name in ("o", "e")}
    return Outcome(process.exitcode or 0, ended, text["o"], text["e"], time.monotonic() - began)


def _watch(process: multiprocessing.process.BaseProcess, began: float, limit: float) -> str:
    while not wait([process.sentinel], timeout=0.2):
        try:
            watched = psutil.Process(process.pid)
            times, memory = watched.cpu_times(), watched.memory_info().rss
        except psutil.Error:
            continue
        if memory > BYTES_LIMIT:
            return "memory"
        used = times.user + times.system + times.children_user + times.children_system
        if used > limit or time.monotonic() - began > 4 * limit:
            return "hang"
    return ""


def _end_group(pid: int) -> None:
    """End what the command left running; its processes share the group that it began."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _child(command: Command, folder: str, logs: str) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ["HOME"] = logs
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (BYTES_LIMIT, BYTES_LIMIT))
    for number, name in ((0, os.devnull), (1, f"{logs}/o"), (2, f"{logs}/e")):
        handle = os.open(name, os.O_RDWR | os.O_CREAT, 0o644)
        os.dup2(handle, number)
        os.close(handle)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w", buffering=1)  # noqa: SIM115
    if command.unprivileged:
        _obey_permissions()
    sys.argv = [command.words[0], *command.words[1:]]
    module, _, main = PROGRAMS[command.words[0]].partition(":")
    sys.exit(getattr(import_module(module), main)())


def _obey_permissions() -> None:
    """Give up root's right to read and write everything (CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH), if it is there."""
    libc = ctypes.CDLL(None)
    header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    libc.capget(header, sets)
    for index in range(3):  # effective, permitted, inheritable
        sets[index] &= ~0b110
    libc.capset(header, sets)

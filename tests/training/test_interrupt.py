"""When a signal is a request, when it is the same one again, and when it stops at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunesmith.run import launcher
from tunesmith.run.launcher import LAUNCHED
from tunesmith.training import interrupt
from tunesmith.training.interrupt import FORWARDED_SECONDS, StopRequest, catch_signals

LAUNCHER = """
import subprocess, sys
subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]])
sys.stdin.read()
"""
WORKER = """
import os, sys, time
from pathlib import Path
from tunesmith.training.interrupt import catch_signals
with catch_signals() as stop:
    Path(sys.argv[1], "began").touch()
    while not stop:
        time.sleep(0.05)
Path(sys.argv[1], "ended").touch()
"""
WAITING = """
import os, signal, sys, threading
from pathlib import Path
from tunesmith.run.launcher import ending_with_launcher, remember_launcher
remember_launcher()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # as in a wait of torch: no handler gets a turn
with ending_with_launcher():
    Path(sys.argv[1], "began").write_text(str(os.getpid()))
    signal.sigwait({signal.SIGUSR1})
"""


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    clock = [100.0]
    monkeypatch.setattr(interrupt.time, "monotonic", lambda: clock[0])
    return clock


def test_a_sigterm_that_is_forwarded_is_the_same_request(now: list[float]) -> None:
    with catch_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        now[0] += FORWARDED_SECONDS - 0.1
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.signal == signal.SIGTERM
        now[0] += 0.2
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_second_ctrl_c_stops_at_once_but_where_a_launcher_sends_it(
    now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    stop = StopRequest()
    stop.receive(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        stop.receive(signal.SIGINT, None)
    monkeypatch.setenv(LAUNCHED, "1")
    stop.receive(signal.SIGINT, None)


def test_a_worker_whose_launcher_was_killed_stops_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LAUNCHER, WORKER, str(tmp_path)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, LAUNCHED: "x"})
    wait_for(tmp_path / "began")
    parent.kill()
    parent.wait()
    wait_for(tmp_path / "ended")


def test_a_worker_that_waits_for_the_others_ends_with_its_launcher(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LAUNCHER, WAITING, str(tmp_path)]
    parent = subprocess.Popen(command, stdin=subprocess.PIPE, env={**os.environ, LAUNCHED: "x"})
    wait_for(tmp_path / "began")
    worker = int((tmp_path / "began").read_text())
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while Path(f"/proc/{worker}").exists():
        assert time.monotonic() < until, "it waits on"
        time.sleep(0.05)


def test_a_parent_that_is_no_python_is_no_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = subprocess.Popen(["sleep", "60"])
    try:
        monkeypatch.setattr(launcher.os, "getppid", lambda: shell.pid)
        monkeypatch.setattr(launcher, "remember_launcher", lambda: shell.pid)
        assert launcher.is_launcher_gone(), "it died before it was looked for"
        monkeypatch.setattr(launcher, "remember_launcher", os.getpid)
        monkeypatch.setattr(launcher.os, "getppid", os.getpid)
        assert not launcher.is_launcher_gone()
    finally:
        shell.kill()
        shell.wait()


def wait_for(path: Path, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < until, path.name
        time.sleep(0.05)

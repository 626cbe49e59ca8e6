"""One writer at a time: who is refused, who takes over, and what is tidied up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tunesmith.errors import TunesmithError
from tunesmith.files import atomic_folder, atomic_path, write_text
from tunesmith.records.writer import Writer
from tunesmith.run.folder import RunFolder
from tunesmith.run.leftovers import sweep
from tunesmith.run.lock import WRITER, run_lock
from tunesmith.stages.writing import writing

HOLD = """
import sys, time
from pathlib import Path
from tunesmith.run.lock import run_lock
with run_lock(Path(sys.argv[1]), "tunesmith train other"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def held(tmp_path: Path):
    """A folder whose lock another process holds."""
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    yield other
    other.kill()
    other.wait()


def test_a_second_writer_is_told_who_writes(tmp_path, held):
    with pytest.raises(TunesmithError) as refused, writing(RunFolder(tmp_path), "tunesmith report x"):
        pass
    said = str(refused.value)
    assert "`tunesmith train other`" in said
    assert f"PID {held.pid} on {socket.gethostname()}, since 20" in said
    assert f"`kill {held.pid}`" in said


def test_processes_of_one_distributed_run_share_the_lock(tmp_path, held, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with writing(RunFolder(tmp_path), ""):
        pass
    monkeypatch.setenv("RANK", "0")
    with pytest.raises(TunesmithError, match="is writing"), writing(RunFolder(tmp_path), ""):
        pass


def test_a_dead_holders_lock_is_taken_over_and_said(tmp_path, held, capsys):
    os.kill(held.pid, signal.SIGKILL)
    held.wait()
    with writing(RunFolder(tmp_path), "tunesmith run x"):
        with writing(RunFolder(tmp_path), "tunesmith run x"):  # a command that does another one's part
            pass
        assert Writer.read(tmp_path / WRITER).pid == os.getpid()
    said = capsys.readouterr().out
    assert said.count("is taken over") == 1
    assert f"`tunesmith train other` (PID {held.pid} on" in said
    assert not (tmp_path / WRITER).exists()
    with writing(RunFolder(tmp_path), ""):
        pass
    assert "taken over" not in capsys.readouterr().out


def test_a_copy_of_a_run_that_is_being_written_is_nobodys(tmp_path, held):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / WRITER).write_bytes((tmp_path / WRITER).read_bytes())
    with run_lock(copy, "") as taken:
        assert taken.left is None


def test_what_a_killed_command_left_is_swept_and_a_model_is_put_back(tmp_path):
    (tmp_path / "best_model").mkdir()
    for name in (".best_model.0a1b2c3d", "checkpoints/.step-000012.x_1y2z3w", "attempts/a/.best_model.0a1b2c3d"):
        (tmp_path / name).mkdir(parents=True)
    for name in (".best_model.old/weights", ".final_model.old/weights", "stages/.train.json.abcdefgh.json"):
        write_text(tmp_path / name, "x")
    mine = [tmp_path / name for name in (".notes.of-today.txt", ".my.notebook", ".gitignore", "stages/train.json")]
    for path in mine:
        write_text(path, "mine")
    swept = sweep(tmp_path)
    assert swept.restored == ["final_model"]
    assert (tmp_path / "final_model" / "weights").exists()
    assert swept.removed == 4
    kept = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob(".*")}
    assert kept == {".notes.of-today.txt", ".my.notebook", ".gitignore", "attempts/a/.best_model.0a1b2c3d"}
    assert all(path.read_text() == "mine" for path in mine)


def test_names_that_are_written_under_are_swept(tmp_path):
    def killed() -> None:
        with atomic_path(tmp_path / "stages" / "train.json"), atomic_folder(tmp_path / "best_model"):
            assert sweep(tmp_path).removed == 2
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()

"""A run whose clips lie on a web server, by the command line."""

from __future__ import annotations

import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from tunesmith.cli.main import main as tunesmith
from tunesmith.pocket.shipped import example_clips

pytest.importorskip("aiohttp")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """The address of some clips, and the folder that is served there."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    clips = tmp_path / "served" / "my beats"
    clips.mkdir(parents=True)
    for path in sorted(example_clips().glob("**/*.ogg"))[:6]:
        shutil.copy(path, clips / f"{path.stem} #1.ogg")
        (clips / f"{path.stem} #1.txt").write_text(f"a beat called {path.stem}\n", encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served")) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_port}/my%20beats", clips
        serving.shutdown()
        thread.join()


def test_a_run_reads_a_copy_of_what_lies_at_an_address(server, tmp_path, capsys):
    address, clips = server
    assert tunesmith(["new", "beats", "--from", address, "--model", "pocket"]) == 0
    said = capsys.readouterr().out
    assert f"12 files of {address} are copied to" in said.replace("\n", "") and "6 clips usable" in said
    assert address in (tmp_path / "runs" / "beats" / "recipe.yaml").read_text("utf-8")
    copy = tmp_path / "cache" / "tunesmith" / "remote" / quote(address, safe="") / "my beats"
    assert sorted(path.name for path in copy.iterdir()) == sorted(path.name for path in clips.iterdir())
    before = {path: path.read_bytes() for path in clips.iterdir()}
    assert tunesmith(["check", "beats"]) == 0
    assert tunesmith(["encode", "beats"]) == 0
    assert "copied to" not in capsys.readouterr().out
    assert {path: path.read_bytes() for path in clips.iterdir()} == before

    next(clips.glob("*.ogg")).unlink()
    assert tunesmith(["check", "beats"]) == 0
    assert "nothing has changed" in capsys.readouterr().out, "an address is looked at when it is asked for"
    assert tunesmith(["check", "beats", "--force"]) == 0
    assert "5 clips usable" in capsys.readouterr().out


def test_a_folder_at_an_address_is_checked_without_a_run(server, capsys):
    address, _ = server
    assert tunesmith(["check", address]) == 0
    assert "6 clips usable" in capsys.readouterr().out
    assert tunesmith(["check", f"{address}/nothing"]) != 0
    error = capsys.readouterr()
    assert "there are no files" in error.out + error.err

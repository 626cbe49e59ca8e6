"""A run folder that cannot be written to still gives its page, its audio and its adapter, elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stages.test_damage import content_of
from tests.stages.test_results import Make, make, trained  # noqa: F401 - fixtures
from tunesmith.cli.main import main
from tunesmith.errors import TunesmithError
from tunesmith.run.folder import RunFolder


@pytest.fixture
def locked(make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:  # noqa: F811
    """The folder of a trained run, which refuses to be written to as one of another user does."""
    run = make().folder.path

    def refuse(self: RunFolder) -> RunFolder:
        if self.path.resolve() == run.resolve():
            raise TunesmithError("no permission to use this path", where=str(self.path))
        return self

    monkeypatch.setattr(RunFolder, "create", refuse)
    monkeypatch.chdir(tmp_path)
    return run


def test_page_audio_and_adapter_go_elsewhere(locked: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = content_of(locked)
    short = ["generate.seconds=1", "generate.count=1"]
    assert main(["report", str(locked)]) == 0
    assert (tmp_path / "run-report.html").exists()
    assert main(["report", str(locked), "--out", "there/page.html"]) == 0
    assert main(["generate", str(locked), *short, "--out", "audio"]) == 0
    assert main(["export", str(locked), "--out", "adapter"]) == 0
    assert (tmp_path / "there" / "page.html").exists()
    assert (tmp_path / "audio" / "00.wav").exists()
    assert (tmp_path / "adapter" / "adapter_model.safetensors").exists()
    for verb in ("generate", "export", "train"):
        assert main([verb, str(locked)]) == 1
        assert "no permission to use this path" in capsys.readouterr().err
    assert content_of(locked) == before

"""Shared by the tests of the Step-Audio doorway: a working directory, and configs of the pocket model."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.test_musicgen_doorways import REPOSITORY
from tunesmith.doorways.common import run_doorway
from tunesmith.doorways.step_audio.config import DEFAULT, read_config
from tunesmith.doorways.step_audio.finetune_demo import finetune_demo, open_run
from tunesmith.doorways.step_audio.notices import remarks
from tunesmith.doorways.step_audio.run_dir import places
from tunesmith.recipe.models import Recipe

SCRIPTS = REPOSITORY / "scripts" / "step_audio_editx"
SHIPPED = SCRIPTS / DEFAULT
Capsys = pytest.CaptureFixture[str]


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the sample and a config of the pocket model."""
    shutil.copytree(SCRIPTS / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    config({})
    return tmp_path


def config(changes: dict[str, dict[str, Any] | None], name: str = DEFAULT) -> Path:
    """A config of the pocket model with these sections instead of the default's."""
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    base: dict[str, Any] = {"model": {"llm": {"model_path": "pocket"}}}
    path.write_text(yaml.safe_dump({**base, **changes}, sort_keys=False), encoding="utf-8")
    return path


def recipe_of(changes: dict[str, Any], mode: str = "both") -> Recipe:
    """The recipe that a config comes to."""
    given = read_config(config(changes))
    return open_run(given, mode, places(given), None, "test").recipe


def told(changes: dict[str, Any], mode: str = "both") -> str:
    return "\n".join(str(said) for said in remarks(read_config(config(changes)), mode))


def refused(capsys: Capsys, argv: Sequence[str] = ()) -> str:
    """What is said on standard error; nothing may have been made."""
    assert run_doorway(finetune_demo, list(argv)) == 1
    assert not Path("ckpt").exists()
    return capsys.readouterr().err

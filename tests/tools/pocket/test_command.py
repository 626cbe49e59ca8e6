from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools.pocket import __main__ as command
from tunesmith.pocket.shipped import FAMILIES, make_target

ROOT = Path(__file__).parents[3]


def test_no_time_to_train_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["musicgen", "--out", str(tmp_path / "made"), "--minutes", "0"]) == 1
    assert "0 minutes is no time to train" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_is_built_where_and_as_asked(family: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(f"tools.pocket.{family}.build.build", lambda out, **settings: asked.append((out, settings)))
    assert command.main([family, "--out", str(tmp_path), "--seed", "3", "--minutes", "2.5"]) == 0
    assert command.main([family]) == 0
    assert asked[0] == (tmp_path, {"seed": 3, "minutes": 2.5})
    assert asked[1] == (command.SHIPPED / family, {"seed": 0, "minutes": None})


@pytest.mark.parametrize("family", FAMILIES)
def test_make_runs_the_builder_with_what_it_is_given(family: str) -> None:
    arguments = ["--dry-run", *make_target(family).split()[1:], "OUT=/made", "SEED=3", "MINUTES=2.5"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    shown = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert f"-m tools.pocket {family} --seed 3 --out /made --minutes 2.5" in shown

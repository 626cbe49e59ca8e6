"""What people install: the package with its data files, and nothing that only builds them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "tunesmith"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_it_is_small_enough_to_install_without_a_thought(wheel: Path) -> None:
    assert wheel.stat().st_size <= 25e6


def test_it_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert names == {f"tunesmith/{path.relative_to(SOURCE).as_posix()}" for path in files}


def test_nothing_of_the_package_needs_the_builders() -> None:
    assert not [
        path for path in SOURCE.rglob("*.py") if "import tools" in (text := path.read_text()) or "tools.pocket" in text
    ]
